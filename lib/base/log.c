// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/error.h"

#define MESSAGE_BYTES 2048

struct log_record {
    cop_log_function function;
    void *user;
    cop_log_level most;
};

/*
 * The record is written by the one caller that claims it, and never again once `current_log`
 * (release) points to it; whoever reads the pointer (acquire) sees it whole.
 */
static struct log_record record;
static atomic_flag is_claimed = ATOMIC_FLAG_INIT;
static _Atomic(const struct log_record *) current_log;

bool cop_log_use(cop_log_function function, void *user, cop_log_level most)
{
    if (atomic_flag_test_and_set_explicit(&is_claimed, memory_order_relaxed))
        return false;
    record = (struct log_record){function, user, most};
    atomic_store_explicit(&current_log, &record, memory_order_release);
    return true;
}

/* NULL: nobody wants a message of this level. */
static const struct log_record *find_log(cop_log_level level)
{
    if (atomic_load_explicit(&current_log, memory_order_relaxed) == NULL)
        return NULL;
    const struct log_record *log = atomic_load_explicit(&current_log, memory_order_acquire);
    return level <= log->most ? log : NULL;
}

bool cop_log_is_on(cop_log_level level)
{
    return find_log(level) != NULL;
}

/* Names from model files may hold anything; a log is lines. */
static void keep_to_one_line(char *message)
{
    for (; *message != '\0'; message++)
        if ((unsigned char)*message < 0x20 || *message == 0x7F)
            *message = ' ';
}

void cop_log(cop_log_level level, const char *format, ...)
{
    const struct log_record *log = find_log(level);
    if (log == NULL)
        return;
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    cop_end_at_character(message, sizeof message);
    keep_to_one_line(message);
    log->function(log->user, level, message);
}
