// SPDX-License-Identifier: Apache-2.0
/*
 * Tensors whose elements lie in other files. A location is hostile until shown otherwise: files are
 * opened beneath the model's directory only, without symbolic links (cop_source_open_beneath), once
 * each, and every sum is checked. Source: ONNX, External Data.
 */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "model/onnx/onnx_import.h"

#define MAX_FILES 256

/* A decimal number without sign; an absent one keeps what `number` holds. */
static bool read_number(struct span text, size_t *number)
{
    if (text.bytes == NULL)
        return true;
    size_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        const unsigned digit = (unsigned)text.bytes[i] - '0';
        if (digit > 9 || !cop_mul_size(value, 10, &value) || !cop_add_size(value, digit, &value))
            return false;
    }
    *number = value;
    return text.size > 0;
}

static cop_status open_file(struct onnx_import *import, const struct onnx_tensor *tensor,
                            struct source **source, cop_error *error)
{
    for (size_t i = 0; i < import->external_file_count; i++)
        if (cop_span_equal(import->external_files[i].location, tensor->location)) {
            *source = import->external_files[i].source;
            return COP_STATUS_OK;
        }
    if (import->external_file_count == MAX_FILES)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "more than %d external files", MAX_FILES);
    if (import->external_files == NULL)
        import->external_files =
            cop_arena_alloc(&import->arena, MAX_FILES, sizeof *import->external_files);
    char *path = cop_onnx_text(import, tensor->location);
    if (import->external_files == NULL || path == NULL)
        return cop_fail_memory(error, "external files", sizeof *import->external_files);
    const cop_status status =
        cop_source_open_beneath(import->directory_fd, path, import->access, source, error);
    if (status == COP_STATUS_OK)
        import->external_files[import->external_file_count++] =
            (struct onnx_external_file){tensor->location, *source};
    return status;
}

cop_status cop_onnx_find_external(struct onnx_import *import, const struct onnx_tensor *tensor,
                                  struct source **source, size_t *offset, cop_error *error)
{
    size_t length = tensor->bytes, end;
    *offset = 0;
    if (tensor->location.size == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "tensor '%.*s': external data without a location", SPAN_TEXT(tensor->name));
    if (import->directory_fd < 0)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "tensor '%.*s' lies in the file '%.*s': a model in memory has no other "
                        "files",
                        SPAN_TEXT(tensor->name), SPAN_TEXT(tensor->location));
    if (!read_number(tensor->offset, offset) || !read_number(tensor->length, &length))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "tensor '%.*s': external offset '%.*s' or length '%.*s' is no number",
                        SPAN_TEXT(tensor->name), SPAN_TEXT(tensor->offset),
                        SPAN_TEXT(tensor->length));
    if (length != tensor->bytes)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "tensor '%.*s' %s of %s needs %zu bytes, its external data has %zu",
                        SPAN_TEXT(tensor->name), cop_dtype_name(tensor->dtype),
                        cop_shape_text(&tensor->shape).text, tensor->bytes, length);
    const cop_status status = open_file(import, tensor, source, error);
    if (status != COP_STATUS_OK)
        return cop_error_prefix(error, status, "tensor '%.*s': ", SPAN_TEXT(tensor->name));
    if (!cop_add_size(*offset, length, &end) || end > cop_source_size(*source))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "tensor '%.*s': bytes %zu+%zu reach past the %zu bytes of '%.*s'",
                        SPAN_TEXT(tensor->name), *offset, length, cop_source_size(*source),
                        SPAN_TEXT(tensor->location));
    return COP_STATUS_OK;
}
