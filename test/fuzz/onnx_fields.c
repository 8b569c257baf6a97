// SPDX-License-Identifier: Apache-2.0
#include "fuzz/onnx_fields.h"

#include "support/mutate.h"

#define MAX_DEPTH 24

static const struct {
    enum message_type within;
    unsigned number;
    enum message_type child;
} children[] = {
    {MODEL, 7, GRAPH},       {MODEL, 8, OPSET},      {MODEL, 14, ENTRY},    {GRAPH, 1, NODE},
    {GRAPH, 5, TENSOR},      {GRAPH, 11, VALUE},     {GRAPH, 12, VALUE},    {GRAPH, 13, VALUE},
    {NODE, 5, ATTRIBUTE},    {ATTRIBUTE, 5, TENSOR}, {ATTRIBUTE, 6, GRAPH}, {ATTRIBUTE, 10, TENSOR},
    {ATTRIBUTE, 11, GRAPH},  {TENSOR, 13, ENTRY},    {VALUE, 2, TYPE},      {TYPE, 1, TENSOR_TYPE},
    {TENSOR_TYPE, 2, SHAPE}, {SHAPE, 1, DIM},
};

static enum message_type child_of(enum message_type within, unsigned number)
{
    for (size_t i = 0; i < sizeof children / sizeof *children; i++)
        if (children[i].within == within && children[i].number == number)
            return children[i].child;
    return LEAF;
}

bool read_varint(const unsigned char *bytes, size_t end, size_t *at, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        const unsigned char byte = bytes[(*at)++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

size_t put_varint(unsigned char *out, uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        out[size++] = (unsigned char)(value | 0x80);
    out[size++] = (unsigned char)value;
    return size;
}

/* Where the value of a field ends; 0: it is cut off. */
static size_t end_of(const unsigned char *bytes, size_t end, struct field *field)
{
    uint64_t number;
    size_t at = field->value;
    if (field->wire == VARINT)
        return read_varint(bytes, end, &at, &number) ? at : 0;
    if (field->wire == FIXED64 || field->wire == FIXED32)
        return end - at >= (field->wire == FIXED64 ? 8u : 4u)
                   ? at + (field->wire == FIXED64 ? 8 : 4)
                   : 0;
    if (field->wire != BYTES || !read_varint(bytes, end, &at, &number) || number > end - at)
        return 0;
    field->length_at = field->value;
    field->value = at;
    return at + (size_t)number;
}

static void list_within(struct fields *fields, size_t at, size_t end, enum message_type within,
                        int parent, int depth)
{
    while (at < end && fields->count < MAX_FIELDS) {
        uint64_t tag;
        struct field field = {.begin = at, .within = within, .parent = parent};
        if (!read_varint(fields->bytes, end, &at, &tag))
            return;
        field.value = at;
        field.number = (unsigned)(tag >> 3);
        field.wire = tag & 7;
        field.end = end_of(fields->bytes, end, &field);
        if (field.end == 0)
            return;
        field.child = field.wire == BYTES ? child_of(within, field.number) : LEAF;
        const int index = fields->count;
        fields->items[fields->count++] = field;
        if (field.child != LEAF && depth < MAX_DEPTH)
            list_within(fields, field.value, field.end, field.child, index, depth + 1);
        at = field.end;
    }
}

void list_fields(struct fields *fields, const unsigned char *bytes, size_t size)
{
    fields->bytes = bytes;
    fields->count = 0;
    list_within(fields, 0, size, MODEL, -1, 0);
}

const struct field *pick_field(struct fields *fields, uint64_t *state)
{
    return fields->count == 0 ? NULL : &fields->items[next_choice(state, (uint64_t)fields->count)];
}

const struct field *find_field(struct fields *fields, uint64_t *state, suits_function *suits,
                               const struct field *like)
{
    const int first = fields->count == 0 ? 0 : (int)next_choice(state, (uint64_t)fields->count);
    for (int i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[(first + i) % fields->count];
        if (field != like && suits(field, like))
            return field;
    }
    return NULL;
}

bool is_sibling(const struct field *field, const struct field *like)
{
    return field->parent == like->parent;
}

bool is_alike(const struct field *field, const struct field *like)
{
    return field->within == like->within && field->number == like->number;
}

bool is_of_the_same_message(const struct field *field, const struct field *like)
{
    return field->within == like->within;
}

bool is_number(const struct field *field, const struct field *like)
{
    (void)like;
    return field->wire == VARINT;
}

bool is_leaf(const struct field *field, const struct field *like)
{
    (void)like;
    return field->wire == BYTES && field->child == LEAF;
}

bool is_string(const struct field *field, const struct field *like)
{
    static const struct {
        enum message_type within;
        unsigned number;
    } strings[] = {{NODE, 1},      {NODE, 2},      {NODE, 3},   {NODE, 4},  {NODE, 7},
                   {ATTRIBUTE, 1}, {ATTRIBUTE, 4}, {VALUE, 1},  {GRAPH, 2}, {DIM, 2},
                   {ENTRY, 1},     {ENTRY, 2},     {TENSOR, 8}, {OPSET, 1}};
    (void)like;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (field->within == strings[i].within && field->number == strings[i].number &&
            field->wire == BYTES)
            return true;
    return false;
}

bool is_message(const struct field *field, const struct field *like)
{
    (void)like;
    return field->child != LEAF;
}

bool is_graph(const struct field *field, const struct field *like)
{
    (void)like;
    return field->child == GRAPH;
}
