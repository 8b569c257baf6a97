// SPDX-License-Identifier: Apache-2.0
/*
 * Part of a module, not of the library: stands in for the sources of base/ that hold state of the
 * process, and hands every call over to the library.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/module.h"
#include "base/alloc.h"
#include "base/log.h"

const struct module_host *cop_module_host;

void *cop_alloc(size_t count, size_t size)
{
    return cop_module_host->alloc(count, size);
}

void *cop_realloc(void *old, size_t count, size_t size)
{
    return cop_module_host->realloc(old, count, size);
}

void *cop_alloc_aligned(size_t bytes)
{
    return cop_module_host->alloc_aligned(bytes);
}

void cop_free(void *memory)
{
    cop_module_host->free(memory);
}

char *cop_copy_text(const char *text)
{
    return cop_copy_text_n(text, strlen(text));
}

char *cop_copy_text_n(const char *text, size_t length)
{
    char *copy = cop_alloc(length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

bool cop_log_is_on(cop_log_level level)
{
    return cop_module_host->log_is_on(level);
}

void cop_log(cop_log_level level, const char *format, ...)
{
    char message[2048];
    if (!cop_log_is_on(level))
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    cop_module_host->log(level, message);
}
