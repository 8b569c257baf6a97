// SPDX-License-Identifier: Apache-2.0
/* Tensors of an ONNX file as constants of the graph, and names for values. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "model/onnx/onnx_import.h"

char *cop_onnx_text(struct onnx_import *import, struct span span)
{
    const char *bytes = span.size == 0 ? "" : (const char *)span.bytes;
    char *text = cop_arena_text_n(&import->scratch, bytes, span.size);
    if (text == NULL)
        (void)cop_fail_memory(import->error, "ONNX model", span.size);
    return text;
}

static cop_status check_bool(const struct onnx_tensor *tensor, const unsigned char *bytes,
                             cop_error *error)
{
    for (size_t i = 0; tensor->dtype == COP_DTYPE_BOOL && i < tensor->bytes; i++)
        if (bytes[i] > 1)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "tensor '%.*s': element %zu is %d, which is no bool",
                            SPAN_TEXT(tensor->name), i, bytes[i]);
    return COP_STATUS_OK;
}

/* Elements that lie in a source just as memory would hold them. */
static cop_status add_in_place(struct onnx_import *import, const struct onnx_tensor *tensor,
                               const char *name, struct source *source, size_t offset, int *value,
                               cop_error *error)
{
    const cop_status status = check_bool(tensor, cop_source_bytes(source) + offset, error);
    if (status != COP_STATUS_OK)
        return status;
    cop_error reason;
    *value = cop_graph_add_constant(import->graph, name, tensor->dtype, &tensor->shape, source,
                                    offset, &reason);
    return *value >= 0 ? COP_STATUS_OK : cop_fail(error, reason.status, "%s", reason.message);
}

/* What a source of its own costs a tensor besides its elements, generously. */
#define SOURCE_BYTES 640

static void free_elements(void *user, const void *elements)
{
    (void)elements;
    cop_free(user);
}

/* Elements that must be decoded: they get memory of their own, within a budget. */
static cop_status add_decoded(struct onnx_import *import, const struct onnx_tensor *tensor,
                              const char *name, int *value, cop_error *error)
{
    /* Varints of one byte may stand for eight: without a limit a file could ask for a multiple. */
    const size_t budget = ((size_t)32 << 20) + 2 * import->file.size;
    if (tensor->bytes > budget - import->decoded_bytes)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "tensor '%.*s': %zu bytes as a list of numbers are too many in a file of "
                        "%zu; raw_data has no such limit",
                        SPAN_TEXT(tensor->name), tensor->bytes, import->file.size);
    const cop_status charged = cop_graph_charge(
        import->graph, tensor->bytes + strlen(import->file.name) + SOURCE_BYTES, error);
    if (charged != COP_STATUS_OK)
        return charged;
    unsigned char *elements = cop_alloc_aligned(tensor->bytes);
    if (elements == NULL)
        return cop_fail_memory(error, "ONNX model", tensor->bytes);
    const struct protobuf_file file = {import->file.name, import->file.bytes, import->file.size,
                                       error};
    cop_status status = cop_onnx_read_elements(&file, tensor, elements);
    if (status != COP_STATUS_OK) {
        cop_free(elements);
        return status;
    }
    import->decoded_bytes += tensor->bytes;
    struct source *source = NULL;
    const cop_bytes bytes = {elements, tensor->bytes, free_elements, elements};
    status = cop_source_from_bytes(&bytes, import->file.name, &source, error);
    if (status == COP_STATUS_OK)
        status = add_in_place(import, tensor, name, source, 0, value, error);
    cop_source_release(&source);
    return status;
}

static cop_status add_raw(struct onnx_import *import, const struct onnx_tensor *tensor,
                          const char *name, int *value, cop_error *error)
{
    if (tensor->raw.size != tensor->bytes)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: tensor '%.*s' %s of %s needs %zu bytes and has %zu",
                        (size_t)(tensor->raw.bytes - import->file.bytes), SPAN_TEXT(tensor->name),
                        cop_dtype_name(tensor->dtype), cop_shape_text(&tensor->shape).text,
                        tensor->bytes, tensor->raw.size);
    return add_in_place(import, tensor, name, import->source,
                        (size_t)(tensor->raw.bytes - import->file.bytes), value, error);
}

/* From one of the lists float_data, int32_data …; counted before memory is taken. */
static cop_status add_listed(struct onnx_import *import, const struct onnx_tensor *tensor,
                             const char *name, int *value, cop_error *error)
{
    const struct protobuf_file file = {import->file.name, import->file.bytes, import->file.size,
                                       error};
    size_t count;
    struct span in_place;
    const cop_status status = cop_onnx_survey_elements(&file, tensor, &count, &in_place);
    if (status != COP_STATUS_OK)
        return status;
    if (count != tensor->element_count)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: tensor '%.*s' holds %zu elements, its shape %s says %zu",
                        (size_t)(tensor->body.bytes - import->file.bytes), SPAN_TEXT(tensor->name),
                        count, cop_shape_text(&tensor->shape).text, tensor->element_count);
    if (in_place.bytes != NULL)
        return add_in_place(import, tensor, name, import->source,
                            (size_t)(in_place.bytes - import->file.bytes), value, error);
    return add_decoded(import, tensor, name, value, error);
}

cop_status cop_onnx_add_tensor(struct onnx_import *import, const struct onnx_tensor *tensor,
                               const char *name, int *value, cop_error *error)
{
    char type[32];
    if (tensor->type == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: tensor '%.*s' has no element type",
                        (size_t)(tensor->body.bytes - import->file.bytes), SPAN_TEXT(tensor->name));
    if (tensor->dtype == COP_DTYPE_UNKNOWN)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "tensor '%.*s': elements of %s",
                        SPAN_TEXT(tensor->name),
                        cop_onnx_type_name(tensor->type, type, sizeof type));
    if (tensor->is_segment)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "tensor '%.*s' is a segment of one",
                        SPAN_TEXT(tensor->name));
    if (tensor->is_external) {
        struct source *source = NULL;
        size_t offset = 0;
        const cop_status status = cop_onnx_find_external(import, tensor, &source, &offset, error);
        return status == COP_STATUS_OK
                   ? add_in_place(import, tensor, name, source, offset, value, error)
                   : status;
    }
    return tensor->is_raw ? add_raw(import, tensor, name, value, error)
                          : add_listed(import, tensor, name, value, error);
}

/* The float32 value of a 16-bit float that enters the graph. */
static cop_status widen(struct onnx_import *import, int stored, int *value, cop_error *error)
{
    const struct cast_attrs attrs = {COP_DTYPE_FLOAT32};
    const char *name = import->graph->values[stored].name;
    cop_error reason;
    *value = cop_graph_append(import->graph, OP_CAST, name, "Cast", &attrs, 1, &stored, &reason);
    if (*value < 0)
        return cop_fail(error, reason.status, "%s", reason.message);
    import->graph->values[*value].dtype = COP_DTYPE_FLOAT32;
    return COP_STATUS_OK;
}

cop_status cop_onnx_define_symbol(struct onnx_import *import, const struct onnx_symbol *symbol,
                                  cop_error *error)
{
    if (cop_onnx_symbol_find(&import->symbols, symbol->name) >= 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "'%.*s' is defined twice",
                        SPAN_TEXT(symbol->name));
    if (cop_onnx_symbol_add(&import->symbols, symbol) < 0)
        return cop_fail_memory(error, "names of the model", sizeof *symbol);
    return cop_graph_charge(import->graph, sizeof *symbol + 3 * sizeof(uint32_t), error);
}

cop_status cop_onnx_define(struct onnx_import *import, struct span name, int value,
                           cop_error *error)
{
    struct onnx_symbol symbol = {.name = name, .value = value, .stored = value};
    if (cop_is_narrow(import->graph->values[value].dtype)) {
        const cop_status status = widen(import, value, &symbol.value, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return cop_onnx_define_symbol(import, &symbol, error);
}

cop_status cop_onnx_define_unknown(struct onnx_import *import, struct span name, cop_error *error)
{
    const struct shape unknown = cop_shape_unknown();
    const int value = cop_graph_add_value(import->graph, "", COP_DTYPE_UNKNOWN, &unknown, error);
    return value < 0 ? error->status : cop_onnx_define(import, name, value, error);
}
