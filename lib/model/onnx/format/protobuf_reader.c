// SPDX-License-Identifier: Apache-2.0
#include "model/onnx/format/protobuf_reader.h"

#include <string.h>

#include "base/error.h"

bool cop_span_is(struct span span, const char *text)
{
    const size_t length = strlen(text);
    return span.size == length && (length == 0 || memcmp(span.bytes, text, length) == 0);
}

bool cop_span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

struct protobuf_message cop_protobuf_open(const struct protobuf_file *file, struct span bytes,
                                          const char *type)
{
    return (struct protobuf_message){
        .file = file,
        .type = type,
        .stream = pb_istream_from_buffer(bytes.bytes, bytes.size),
        .end = bytes.bytes + bytes.size,
        .field = bytes.bytes,
    };
}

static const unsigned char *position(const struct protobuf_message *message)
{
    return message->end - message->stream.bytes_left;
}

void cop_protobuf_fail(struct protobuf_message *message, const char *what)
{
    if (message->status == COP_STATUS_OK)
        message->status = cop_fail(message->file->error, COP_STATUS_MALFORMED_MODEL,
                                   "byte %zu: %s (field %u of %s)",
                                   (size_t)(message->field - message->file->bytes), what,
                                   (unsigned)message->tag, message->type);
}

/* Is there an unread field that can be read? Marks it as read. */
static bool begin_read(struct protobuf_message *message)
{
    const bool can = message->status == COP_STATUS_OK && message->is_pending;
    message->is_pending = false;
    return can;
}

bool cop_protobuf_next(struct protobuf_message *message)
{
    if (begin_read(message) && !pb_skip_field(&message->stream, message->wire))
        cop_protobuf_fail(message,
                          "the field cannot be skipped: it is cut off or of no known kind");
    if (message->status != COP_STATUS_OK || message->stream.bytes_left == 0)
        return false;
    bool is_end = false;
    message->field = position(message);
    if (!pb_decode_tag(&message->stream, &message->wire, &message->tag, &is_end) ||
        message->tag == 0) {
        cop_protobuf_fail(message, "no protobuf field begins here");
        return false;
    }
    message->is_pending = true;
    return true;
}

/* Reads a length and steps over that many bytes. */
static bool take_span(struct protobuf_message *message, struct span *value)
{
    uint32_t size;
    if (!pb_decode_varint32(&message->stream, &size) || size > message->stream.bytes_left) {
        cop_protobuf_fail(message, "the field is longer than what holds it");
        return false;
    }
    *value = (struct span){position(message), size};
    return pb_read(&message->stream, NULL, size);
}

void cop_protobuf_span(struct protobuf_message *message, struct span *value)
{
    if (!begin_read(message))
        return;
    if (message->wire != PB_WT_STRING)
        cop_protobuf_fail(message, "bytes were expected");
    else
        (void)take_span(message, value);
}

void cop_protobuf_string(struct protobuf_message *message, struct span *value)
{
    struct span string = {NULL, 0};
    cop_protobuf_span(message, &string);
    if (message->status != COP_STATUS_OK)
        return;
    if (string.size > COP_MAX_STRING_BYTES)
        cop_protobuf_fail(message, "the string is longer than 1 MB");
    else if (string.size > 0 && memchr(string.bytes, 0, string.size) != NULL)
        cop_protobuf_fail(message, "the string contains a NUL");
    else
        *value = string;
}

void cop_protobuf_int64(struct protobuf_message *message, int64_t *value)
{
    if (!begin_read(message))
        return;
    uint64_t bits;
    if (message->wire != PB_WT_VARINT)
        cop_protobuf_fail(message, "an integer was expected");
    else if (!pb_decode_varint(&message->stream, &bits))
        cop_protobuf_fail(message, "the integer is cut off or too long");
    else
        *value = (int64_t)bits;
}

void cop_protobuf_float(struct protobuf_message *message, float *value)
{
    if (!begin_read(message))
        return;
    if (message->wire != PB_WT_32BIT)
        cop_protobuf_fail(message, "a 32-bit number was expected");
    else if (!pb_decode_fixed32(&message->stream, value))
        cop_protobuf_fail(message, "the number is cut off");
}

void cop_protobuf_elements(struct protobuf_message *message, pb_wire_type_t element,
                           struct span *encoded)
{
    if (!begin_read(message))
        return;
    if (message->wire == PB_WT_STRING) {
        (void)take_span(message, encoded);
        return;
    }
    const unsigned char *begin = position(message);
    if (message->wire != element)
        cop_protobuf_fail(message, "numbers of another kind were expected");
    else if (!pb_skip_field(&message->stream, element))
        cop_protobuf_fail(message, "the number is cut off");
    else
        *encoded = (struct span){begin, (size_t)(position(message) - begin)};
}

size_t cop_protobuf_count_varints(struct span encoded)
{
    size_t count = 0;
    for (size_t i = 0; i < encoded.size; i++)
        count += encoded.bytes[i] < 0x80;
    return count;
}
