// SPDX-License-Identifier: Apache-2.0
/*
 * Changes ONNX files field by field. The fields of a file are listed with the messages they stand
 * in; a change puts other bytes in the place of some and, as a rule, corrects the lengths of all
 * messages around them.
 */
#include "fuzz/fuzz_target.h"
#include "fuzz/onnx_fields.h"

struct editor {
    struct fuzz_bytes *input;
    uint64_t *state;
    struct fields *fields, *other;
};

/* Puts `with` in the place of a range inside the message `parent`; the lengths around it follow,
 * but for one time in 32. */
static void edit(struct editor *editor, int parent, size_t begin, size_t end, const void *with,
                 size_t size)
{
    if (!replace_range(editor->input, begin, end, with, size) ||
        next_choice(editor->state, 32) == 0)
        return;
    int64_t growth = (int64_t)size - (int64_t)(end - begin);
    for (; parent >= 0; parent = editor->fields->items[parent].parent) {
        const struct field *around = &editor->fields->items[parent];
        unsigned char length[10];
        const size_t bytes =
            put_varint(length, (uint64_t)((int64_t)(around->end - around->value) + growth));
        if (!replace_range(editor->input, around->length_at, around->value, length, bytes))
            return;
        growth += (int64_t)bytes - (int64_t)(around->value - around->length_at);
    }
}

/* Puts content into a BYTES field, whose own length follows, too. */
static void set_content(struct editor *editor, const struct field *field, const void *content,
                        size_t size)
{
    edit(editor, (int)(field - editor->fields->items), field->value, field->end, content, size);
}

static void duplicate_field(struct editor *editor)
{
    const struct field *field = pick_field(editor->fields, editor->state);
    edit(editor, field->parent, field->end, field->end, editor->input->bytes + field->begin,
         field->end - field->begin);
}

static void drop_field(struct editor *editor)
{
    const struct field *field = pick_field(editor->fields, editor->state);
    edit(editor, field->parent, field->begin, field->end, NULL, 0);
}

static void swap_fields(struct editor *editor)
{
    const struct field *a = pick_field(editor->fields, editor->state);
    const struct field *b = find_field(editor->fields, editor->state, is_sibling, a);
    if (b == NULL)
        return;
    if (b->begin < a->begin) {
        const struct field *later = a;
        a = b;
        b = later;
    }
    swap_ranges(editor->input, a->begin, a->end, b->begin, b->end);
}

/* A field like this one from elsewhere: of this file or of another. */
static void copy_field(struct editor *editor)
{
    struct fields *from = next_choice(editor->state, 2) ? editor->other : editor->fields;
    const struct field *into = pick_field(editor->fields, editor->state);
    const struct field *field =
        find_field(from, editor->state,
                   next_choice(editor->state, 3) ? is_alike : is_of_the_same_message, into);
    if (field == NULL)
        return;
    const bool is_added = next_choice(editor->state, 2) != 0;
    edit(editor, into->parent, is_added ? into->end : into->begin, into->end,
         from->bytes + field->begin, field->end - field->begin);
}

static void change_number(struct editor *editor)
{
    const struct field *field = find_field(editor->fields, editor->state, is_number, NULL);
    if (field == NULL)
        return;
    uint64_t value = 0;
    size_t at = field->value;
    unsigned char encoded[11];
    (void)read_varint(editor->input->bytes, field->end, &at, &value);
    if (next_choice(editor->state, 2))
        value = pick_number(editor->state);
    else
        value += next_choice(editor->state, 2) ? 1 : UINT64_MAX;
    size_t size = put_varint(encoded, value);
    if (next_choice(editor->state, 16) == 0 && size < 10) { /* longer than it needs to be */
        encoded[size - 1] |= 0x80;
        encoded[size++] = 0;
    }
    edit(editor, field->parent, field->value, field->end, encoded, size);
}

/* A length that nothing else knows of. */
static void change_length(struct editor *editor)
{
    const struct field *field = find_field(
        editor->fields, editor->state, next_choice(editor->state, 2) ? is_message : is_leaf, NULL);
    if (field == NULL)
        return;
    unsigned char encoded[10];
    const uint64_t size = field->end - field->value;
    const size_t bytes = put_varint(encoded, next_choice(editor->state, 2)
                                                 ? pick_number(editor->state)
                                                 : size + next_choice(editor->state, 3) - 1);
    (void)replace_range(editor->input, field->length_at, field->value, encoded, bytes);
}

static void change_tag(struct editor *editor)
{
    const struct field *field = pick_field(editor->fields, editor->state);
    unsigned char encoded[10];
    const bool is_wire = next_choice(editor->state, 2) != 0;
    const uint64_t number = is_wire ? field->number : next_choice(editor->state, 22);
    const uint64_t wire = is_wire ? next_choice(editor->state, 8) : field->wire;
    const size_t size = put_varint(encoded, number << 3 | wire);
    edit(editor, field->parent, field->begin,
         field->wire == BYTES ? field->length_at : field->value, encoded, size);
}

/* Another name, so that nodes read what they should not: of this file, or of a list. */
static void change_string(struct editor *editor)
{
    static const char *const words[] = {"",
                                        "x",
                                        "y",
                                        "w",
                                        "Conv",
                                        "BatchNormalization",
                                        "Relu",
                                        "Clip",
                                        "MaxPool",
                                        "AveragePool",
                                        "GlobalAveragePool",
                                        "Reshape",
                                        "Flatten",
                                        "Concat",
                                        "Split",
                                        "Slice",
                                        "Pad",
                                        "Transpose",
                                        "Gather",
                                        "Shape",
                                        "Size",
                                        "Cast",
                                        "Identity",
                                        "Constant",
                                        "Squeeze",
                                        "Unsqueeze",
                                        "Add",
                                        "Sub",
                                        "Mul",
                                        "Div",
                                        "Pow",
                                        "Min",
                                        "Max",
                                        "Sum",
                                        "Mean",
                                        "MatMul",
                                        "Gemm",
                                        "Softmax",
                                        "LogSoftmax",
                                        "LRN",
                                        "PRelu",
                                        "LeakyRelu",
                                        "Elu",
                                        "Gelu",
                                        "HardSwish",
                                        "ReduceMean",
                                        "ReduceSum",
                                        "ReduceL2",
                                        "ArgMax",
                                        "ArgMin",
                                        "Dropout",
                                        "LpPool",
                                        "Sqrt",
                                        "Exp",
                                        "If",
                                        "Loop",
                                        "Scan",
                                        "Tile",
                                        "Expand",
                                        "ConstantOfShape",
                                        "Range",
                                        "Resize",
                                        "axis",
                                        "axes",
                                        "pads",
                                        "strides",
                                        "dilations",
                                        "kernel_shape",
                                        "group",
                                        "auto_pad",
                                        "SAME_UPPER",
                                        "SAME_LOWER",
                                        "VALID",
                                        "mode",
                                        "reflect",
                                        "edge",
                                        "constant",
                                        "value",
                                        "value_ints",
                                        "value_float",
                                        "perm",
                                        "split",
                                        "starts",
                                        "ends",
                                        "keepdims",
                                        "to",
                                        "allowzero",
                                        "num_outputs",
                                        "ceil_mode",
                                        "count_include_pad",
                                        "epsilon",
                                        "alpha",
                                        "beta",
                                        "transA",
                                        "transB",
                                        "ai.onnx",
                                        "ai.onnx.ml",
                                        "location",
                                        "offset",
                                        "length",
                                        "../x",
                                        "then_branch"};
    const struct field *field = find_field(editor->fields, editor->state, is_string, NULL);
    if (field == NULL)
        return;
    const struct field *same = find_field(
        editor->fields, editor->state, next_choice(editor->state, 3) ? is_alike : is_string, field);
    if (same != NULL && next_choice(editor->state, 2)) {
        set_content(editor, field, editor->input->bytes + same->value, same->end - same->value);
    } else {
        const char *word = PICK(words, editor->state);
        set_content(editor, field, word, strlen(word));
    }
}

/* Elements, packed numbers, and what else lies in one piece. */
static void change_content(struct editor *editor)
{
    const struct field *field = find_field(editor->fields, editor->state, is_leaf, NULL);
    if (field == NULL)
        return;
    const size_t size = field->end - field->value;
    const uint64_t number = pick_number(editor->state);
    unsigned char packed[10];
    switch (next_choice(editor->state, 4)) {
    case 0: /* an aligned int64 */
        if (size >= 8)
            memcpy(editor->input->bytes + field->value + 8 * next_choice(editor->state, size / 8),
                   &number, 8);
        break;
    case 1: /* a varint at the end */
        edit(editor, (int)(field - editor->fields->items), field->end, field->end, packed,
             put_varint(packed, number));
        break;
    case 2: /* shorter or longer */
        set_content(editor, field, editor->input->bytes + field->value,
                    (size_t)next_choice(editor->state, size + 1));
        break;
    default:
        if (size > 0)
            editor->input->bytes[field->value + next_choice(editor->state, size)] =
                (unsigned char)next_choice(editor->state, 256);
    }
}

/* A copy of the message at the end of its own content, under any field number. */
static void nest_message(struct editor *editor)
{
    const struct field *field = find_field(editor->fields, editor->state, is_message, NULL);
    if (field == NULL)
        return;
    const size_t size = field->end - field->value;
    unsigned char *nested = malloc(size + 20);
    if (nested == NULL)
        abort();
    size_t length = put_varint(nested, (1 + next_choice(editor->state, 15)) << 3 | BYTES);
    length += put_varint(nested + length, size);
    memcpy(nested + length, editor->input->bytes + field->value, size);
    edit(editor, (int)(field - editor->fields->items), field->end, field->end, nested,
         length + size);
    free(nested);
}

/* Wraps the content in a field of its own. */
static size_t wrap(unsigned char *bytes, size_t size, unsigned number)
{
    unsigned char header[12];
    size_t length = put_varint(header, number << 3 | BYTES);
    length += put_varint(header + length, size);
    memmove(bytes + length, bytes, size);
    memcpy(bytes, header, length);
    return length + size;
}

/* A graph becomes the attribute of a node of itself, several deep. */
static void nest_graph(struct editor *editor)
{
    const struct field *graph = find_field(editor->fields, editor->state, is_graph, NULL);
    if (graph == NULL)
        return;
    size_t size = graph->end - graph->value;
    const uint64_t depth = 1 + next_choice(editor->state, 6);
    unsigned char *nested = malloc(size + 64 * depth);
    if (nested == NULL)
        abort();
    memcpy(nested, editor->input->bytes + graph->value, size);
    for (uint64_t i = 0; i < depth; i++) {
        size = wrap(nested, size, 6); /* AttributeProto.g, its name, and the node's operator */
        memcpy(nested + size, "\x0a\x01g", 3);
        size = wrap(nested, size + 3, 5);
        memcpy(nested + size, "\x22\x02If", 4);
        size = wrap(nested, size + 4, 1); /* GraphProto.node */
    }
    edit(editor, (int)(graph - editor->fields->items), graph->end, graph->end, nested, size);
    free(nested);
}

void fuzz_mutate(struct fuzz_bytes *input, struct fuzz_view other, uint64_t *state)
{
    static void (*const changes[])(struct editor *) = {
        duplicate_field, drop_field,     swap_fields,    copy_field,   copy_field,    change_number,
        change_number,   change_number,  change_length,  change_tag,   change_string, change_string,
        change_string,   change_content, change_content, nest_message, nest_graph};
    static struct fields fields, other_fields;
    list_fields(&fields, input->bytes, input->size);
    list_fields(&other_fields, other.bytes, other.size);
    struct editor editor = {input, state, &fields, &other_fields};
    if (fields.count == 0 || next_choice(state, 16) == 0)
        mutate_bytes(input, state);
    else
        PICK(changes, state)(&editor);
}
