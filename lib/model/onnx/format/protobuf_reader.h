// SPDX-License-Identifier: Apache-2.0
/*
 * Untrusted protobuf messages, field by field, in place: nothing is copied or allocated, and what a
 * field holds is a span of the file. Nanopb decodes the wire format underneath.
 *
 *     struct protobuf_message message = cop_protobuf_open(file, bytes, "NodeProto");
 *     while (cop_protobuf_next(&message))
 *         switch (message.tag) {
 *         case onnx_NodeProto_name_tag: cop_protobuf_string(&message, &name); break;
 *         }
 *     return message.status;
 *
 * A field that was not read is skipped. The first failure is kept: reads do nothing after it.
 */
#ifndef ONNX_FORMAT_PROTOBUF_READER_H
#define ONNX_FORMAT_PROTOBUF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pb_decode.h>

#include <cachedop/status.h>

#define COP_MAX_STRING_BYTES ((size_t)1 << 20)

struct span {
    const unsigned char *bytes;
    size_t size;
};

/* Compares with a C string. */
bool cop_span_is(struct span span, const char *text);
bool cop_span_equal(struct span a, struct span b);

/* Up to 200 bytes of a span for "%.*s": length, then bytes. */
#define SPAN_TEXT(span) (int)((span).size < 200 ? (span).size : 200), (const char *)(span).bytes

/* The file all spans lie in, and where the first failure is told. */
struct protobuf_file {
    const char *name;
    const unsigned char *bytes;
    size_t size;
    cop_error *error;
};

struct protobuf_message {
    const struct protobuf_file *file;
    const char *type;
    pb_istream_t stream;
    const unsigned char *end;
    const unsigned char *field; /* where the current field's value begins */
    uint32_t tag;
    pb_wire_type_t wire;
    bool is_pending; /* the current field was not read yet */
    cop_status status;
};

struct protobuf_message cop_protobuf_open(const struct protobuf_file *file, struct span bytes,
                                          const char *type);

/* Goes to the next field; false: the end, or a failure, which `status` tells apart. */
bool cop_protobuf_next(struct protobuf_message *message);

/* Fails at the current field: MALFORMED_MODEL with the file, the message type and the byte offset.
 */
void cop_protobuf_fail(struct protobuf_message *message, const char *what);

/* The current field as what its schema says; untouched when that is not what is there. */
void cop_protobuf_span(struct protobuf_message *message, struct span *value);
void cop_protobuf_string(struct protobuf_message *message,
                         struct span *value); /* no NUL, <= 1 MB */
void cop_protobuf_int64(struct protobuf_message *message, int64_t *value);
void cop_protobuf_float(struct protobuf_message *message, float *value);

/*
 * One occurrence of a repeated number field, packed or not: the encoded elements, one after the
 * other. `element` is the wire type of one.
 */
void cop_protobuf_elements(struct protobuf_message *message, pb_wire_type_t element,
                           struct span *encoded);

/* How many varints there are in `encoded`; incomplete ones do not count. */
size_t cop_protobuf_count_varints(struct span encoded);

#endif
