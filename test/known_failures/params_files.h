// SPDX-License-Identifier: Apache-2.0
/* Parameter files with one thing wrong, and loading them behind a symbol that needs the array w. */
#ifndef TEST_KNOWN_FAILURES_PARAMS_FILES_H
#define TEST_KNOWN_FAILURES_PARAMS_FILES_H

#include <cachedop/cachedop.h>

#include "model/mxnet_files.h"

static inline void start_list(struct byte_writer *writer, uint64_t count)
{
    *writer = (struct byte_writer){0};
    put_u64(writer, 0x112), put_u64(writer, 0), put_u64(writer, count);
}

/* The head of a record of version 2: two dimensions, where it was saved, and float32. */
static inline void put_head(struct byte_writer *writer, int64_t rows, int64_t columns,
                            uint32_t device_kind, uint32_t device_index)
{
    put_u32(writer, 0xF993FAC9u), put_u32(writer, 0), put_u32(writer, 2);
    put_u64(writer, (uint64_t)rows), put_u64(writer, (uint64_t)columns);
    put_u32(writer, device_kind), put_u32(writer, device_index), put_u32(writer, 0);
}

static inline void put_name(struct byte_writer *writer, const char *name)
{
    put_u64(writer, strlen(name)), put_bytes(writer, name, strlen(name));
}

/* Loads x + w, w being of the file; the bytes lie in memory of exactly that size. */
static inline cop_status load_params(const void *bytes, size_t size, cop_model **model,
                                     cop_error *error)
{
    char *symbol = write_json(
        SYMBOL("{'op':'null','name':'x','attrs':{'__shape__':'(1, 2)'},'inputs':[]}," VARIABLE(
                   "w") "," NODE("broadcast_add", "y", "", "[0,0],[1,0]"),
               "[2,0]"));
    void *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    const cop_bytes graph = {.data = symbol, .size = strlen(symbol)};
    const cop_bytes weights = {.data = copy, .size = size};
    *model = NULL;
    *error = (cop_error){COP_STATUS_OK, ""};
    const cop_status status =
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, model, error);
    ck_assert((*model != NULL) == (status == COP_STATUS_OK));
    free(copy);
    free(symbol);
    return status;
}

/* MALFORMED_MODEL with words that contain `text`: a byte's position as a rule. */
static inline void expect_params_refused(const struct byte_writer *writer, size_t size,
                                         const char *text)
{
    cop_model *model = NULL;
    cop_error error;
    const cop_status status = load_params(writer->bytes, size, &model, &error);
    ck_assert_msg(status == COP_STATUS_MALFORMED_MODEL && strstr(error.message, text) != NULL,
                  "%s: '%s' instead of '%s'", cop_status_name(status), error.message, text);
}

#endif
