// SPDX-License-Identifier: Apache-2.0
/* Which two files an MXNet model is. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "model/model.h"

#define MAX_PATH_BYTES 4096 /* PATH_MAX of Linux */
#define SYMBOL_ENDING  "-symbol.json"
#define PARAMS_ENDING  ".params"
#define LEAST_DIGITS   4 /* of an epoch: written as %04d */

static bool ends_with(const char *text, size_t length, const char *ending)
{
    const size_t ending_length = strlen(ending);
    return length >= ending_length &&
           memcmp(text + length - ending_length, ending, ending_length) == 0;
}

/* The digits of "<base>-<digits>.params"; 0: the name is another. */
static size_t count_epoch_digits(const char *name, const char *base, size_t base_length)
{
    const size_t length = strlen(name), ending = strlen(PARAMS_ENDING);
    if (length < base_length + 1 + LEAST_DIGITS + ending || memcmp(name, base, base_length) != 0 ||
        name[base_length] != '-' || !ends_with(name, length, PARAMS_ENDING))
        return 0;
    const size_t digits = length - base_length - 1 - ending;
    return strspn(name + base_length + 1, "0123456789") == digits ? digits : 0;
}

/* Whether the number that starts at `a` is higher; leading zeros do not count. */
static bool is_higher(const char *a, size_t a_digits, const char *b, size_t b_digits)
{
    for (; a_digits > 0 && *a == '0'; a_digits--)
        a++;
    for (; b_digits > 0 && *b == '0'; b_digits--)
        b++;
    return a_digits != b_digits ? a_digits > b_digits : strncmp(a, b, a_digits) > 0;
}

static DIR *open_directory(const char *name)
{
    DIR *directory;
    do
        directory = opendir(name);
    while (directory == NULL && errno == EINTR);
    return directory;
}

/* The next entry; NULL: there is none (errno is 0), or it cannot be read. */
static const struct dirent *read_entry(DIR *directory)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(directory);
    } while (entry == NULL && errno == EINTR);
    return entry;
}

/* The name with the highest number among those in the open directory. */
static cop_status choose_highest(DIR *directory, const char *base, size_t base_length,
                                 char **chosen, cop_error *error)
{
    const struct dirent *entry;
    *chosen = NULL;
    while ((entry = read_entry(directory)) != NULL) {
        const size_t digits = count_epoch_digits(entry->d_name, base, base_length);
        if (digits == 0)
            continue;
        const char *number = entry->d_name + base_length + 1;
        if (*chosen != NULL && !is_higher(number, digits, *chosen + base_length + 1,
                                          count_epoch_digits(*chosen, base, base_length)))
            continue;
        char *copy = cop_copy_text(entry->d_name);
        cop_free(*chosen);
        *chosen = copy;
        if (copy == NULL)
            return cop_fail_memory(error, entry->d_name, strlen(entry->d_name));
    }
    if (errno == 0)
        return COP_STATUS_OK;
    const int reason = errno;
    cop_free(*chosen);
    *chosen = NULL;
    return cop_fail(error, COP_STATUS_IO, "reading the directory: %s", strerror(reason));
}

/* PREFIX-NNNN.params beside the symbol; `prefix` is the first `length` bytes of `path`. */
static cop_status find_params(const char *path, size_t length, char **params_file, cop_error *error)
{
    size_t directory_length = length;
    while (directory_length > 0 && path[directory_length - 1] != '/')
        directory_length--;
    char *directory_name =
        directory_length == 0 ? cop_copy_text("./") : cop_copy_text_n(path, directory_length);
    if (directory_name == NULL)
        return cop_fail_memory(error, path, length);
    DIR *directory = open_directory(directory_name);
    const int reason = errno;
    cop_free(directory_name);
    if (directory == NULL)
        return cop_fail(
            error, reason == ENOENT || reason == ENOTDIR ? COP_STATUS_NOT_FOUND : COP_STATUS_IO,
            "%s: looking for its parameters: %s", path, strerror(reason));
    char *chosen = NULL;
    cop_status status = choose_highest(directory, path + directory_length,
                                       length - directory_length, &chosen, error);
    closedir(directory);
    if (status != COP_STATUS_OK)
        return cop_error_prefix(error, status, "%.256s: ", path);
    if (chosen == NULL)
        return cop_fail(error, COP_STATUS_NOT_FOUND,
                        "%s: no parameters: looked for %.*s-NNNN" PARAMS_ENDING, path, (int)length,
                        path);
    struct text text = {0};
    cop_text_add(&text, "%.*s%s", (int)directory_length, path, chosen);
    cop_free(chosen);
    *params_file = cop_text_take(&text);
    return *params_file == NULL ? cop_fail_memory(error, path, length) : COP_STATUS_OK;
}

cop_status cop_mxnet_find_files(const char *path, const char *params_path, char **symbol_file,
                                char **params_file, cop_error *error)
{
    const size_t length = strlen(path);
    size_t prefix_length = length;
    const bool is_symbol = ends_with(path, length, ".json");
    *symbol_file = *params_file = NULL;
    if (length > MAX_PATH_BYTES)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "a path of %zu bytes", length);
    if (is_symbol)
        prefix_length -= strlen(ends_with(path, length, SYMBOL_ENDING) ? SYMBOL_ENDING : ".json");

    struct text text = {0};
    cop_text_add(&text, "%s%s", path, is_symbol ? "" : SYMBOL_ENDING);
    *symbol_file = cop_text_take(&text);
    if (*symbol_file == NULL)
        return cop_fail_memory(error, path, length);
    cop_status status = COP_STATUS_OK;
    if (!is_symbol && access(*symbol_file, F_OK) != 0 && errno == ENOENT) {
        status = cop_fail(error, COP_STATUS_NOT_FOUND, "%s: no such model: looked for %s", path,
                          *symbol_file);
    } else if (params_path != NULL) {
        *params_file = cop_copy_text(params_path);
        if (*params_file == NULL)
            status = cop_fail_memory(error, params_path, strlen(params_path));
    } else {
        status = find_params(path, prefix_length, params_file, error);
    }
    if (status != COP_STATUS_OK) {
        cop_free(*symbol_file);
        *symbol_file = NULL;
    }
    return status;
}
