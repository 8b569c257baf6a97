// SPDX-License-Identifier: Apache-2.0
/*
 * Changes symbol JSON value by value: every string, number, list and object is found with the list
 * or object it stands in, and is dropped, doubled, exchanged, nested or replaced.
 */
#include "fuzz/fuzz_target.h"

#include <stdio.h>

#define MAX_ITEMS 4096
#define MAX_DEPTH 80

enum item_kind { STRING, NUMBER, LIST, OBJECT };

struct item {
    size_t begin, value, end; /* the key of an object's member, the value, behind it */
    enum item_kind kind;
    int parent; /* index; −1: the file */
};

struct items {
    const unsigned char *bytes;
    size_t size;
    int count;
    struct item items[MAX_ITEMS];
};

struct editor {
    struct fuzz_bytes *input;
    uint64_t *state;
    struct items *items, *other;
};

static size_t skip_string(const struct items *items, size_t at)
{
    for (at++; at < items->size && items->bytes[at] != '"'; at++)
        at += items->bytes[at] == '\\';
    return at < items->size ? at + 1 : items->size;
}

static size_t skip_word(const struct items *items, size_t at)
{
    while (at < items->size && strchr("+-.0123456789aeflnrstuE", items->bytes[at]) != NULL &&
           items->bytes[at] != '\0')
        at++;
    return at;
}

/* One value that begins at `at`, or a bracket that opens one. */
static size_t add_item(struct items *items, size_t begin, size_t at, int parent)
{
    const unsigned char first = items->bytes[at];
    struct item item = {begin, at, at + 1, LIST, parent};
    if (first == '"') {
        item.kind = STRING;
        item.end = skip_string(items, at);
    } else if (first == '[' || first == '{') {
        item.kind = first == '{' ? OBJECT : LIST;
    } else {
        item.kind = NUMBER;
        item.end = skip_word(items, at);
        if (item.end == at)
            return at + 1; /* nothing that JSON has */
    }
    items->items[items->count++] = item;
    return item.end;
}

static void list_items(struct items *items)
{
    int open[MAX_DEPTH], depth = 0;
    size_t key = SIZE_MAX;
    for (size_t at = 0; at < items->size && items->count < MAX_ITEMS;) {
        const unsigned char byte = items->bytes[at];
        const int parent = depth > 0 ? open[depth - 1] : -1;
        if (byte == ']' || byte == '}') {
            at++;
            if (depth > 0)
                items->items[open[--depth]].end = at;
        } else if (byte == ',' || byte == ':' || byte <= ' ') {
            at++;
        } else if (byte == '"' && key == SIZE_MAX && parent >= 0 &&
                   items->items[parent].kind == OBJECT) {
            key = at;
            at = skip_string(items, at);
        } else {
            const int index = items->count;
            at = add_item(items, key == SIZE_MAX ? at : key, at, parent);
            key = SIZE_MAX;
            if (items->count > index && items->items[index].kind >= LIST && depth < MAX_DEPTH)
                open[depth++] = index;
        }
    }
}

static const struct item *pick_item(struct items *items, uint64_t *state)
{
    return items->count == 0 ? NULL : &items->items[next_choice(state, (uint64_t)items->count)];
}

static const struct item *pick_kind(struct items *items, enum item_kind kind, uint64_t *state)
{
    const struct item *item = pick_item(items, state);
    for (int i = 0; i < items->count && item->kind != kind; i++)
        item = item + 1 < items->items + items->count ? item + 1 : items->items;
    return item != NULL && item->kind == kind ? item : NULL;
}

static void set(struct editor *editor, size_t begin, size_t end, const void *with, size_t size)
{
    (void)replace_range(editor->input, begin, end, with, size);
}

/* Often a whole node, because most values are deep inside one. */
static const struct item *pick_part(struct editor *editor)
{
    const struct item *item = pick_item(editor->items, editor->state);
    while (item->parent >= 0 && next_choice(editor->state, 2))
        item = &editor->items->items[item->parent];
    return item;
}

static void insert_after(struct editor *editor, const struct item *item, const void *bytes,
                         size_t size)
{
    char *with = malloc(size + 1);
    if (with == NULL)
        abort();
    with[0] = ',';
    memcpy(with + 1, bytes, size);
    set(editor, item->end, item->end, with, size + 1);
    free(with);
}

static void duplicate_item(struct editor *editor)
{
    const struct item *item = pick_part(editor);
    insert_after(editor, item, editor->input->bytes + item->begin, item->end - item->begin);
}

/* With the comma behind it, where one is. */
static void drop_item(struct editor *editor)
{
    const struct item *item = pick_part(editor);
    size_t end = item->end;
    while (end < editor->input->size && editor->input->bytes[end] <= ' ')
        end++;
    const bool has_comma = end < editor->input->size && editor->input->bytes[end] == ',';
    set(editor, item->begin, has_comma ? end + 1 : item->end, NULL, 0);
}

static void swap_items(struct editor *editor)
{
    const struct item *a = pick_part(editor);
    const struct item *b = pick_kind(editor->items, a->kind, editor->state);
    if (b->value < a->value) {
        const struct item *later = a;
        a = b;
        b = later;
    }
    if (a->end <= b->value)
        swap_ranges(editor->input, a->value, a->end, b->value, b->end);
}

/* A value in the place of another, of this symbol or of another one. */
static void copy_item(struct editor *editor)
{
    struct items *from = next_choice(editor->state, 2) ? editor->other : editor->items;
    const struct item *into = pick_part(editor), *item = pick_kind(from, into->kind, editor->state);
    if (item == NULL)
        return;
    if (next_choice(editor->state, 2))
        set(editor, into->value, into->end, from->bytes + item->value, item->end - item->value);
    else
        insert_after(editor, into, from->bytes + item->begin, item->end - item->begin);
}

static void change_number(struct editor *editor)
{
    const struct item *item = pick_kind(editor->items, NUMBER, editor->state);
    char text[64];
    if (item == NULL)
        return;
    const long long old = strtoll((const char *)editor->input->bytes + item->value, NULL, 10);
    const uint64_t number = pick_number(editor->state);
    int length;
    switch (next_choice(editor->state, 5)) {
    case 0:
        length = snprintf(text, sizeof text, "%lld", old == INT64_MAX ? old : old + 1);
        break;
    case 1:
        length = snprintf(text, sizeof text, "%lld", old == INT64_MIN ? old : old - 1);
        break;
    case 2:
        length = snprintf(text, sizeof text, "%d", (int)next_choice(editor->state, 12));
        break;
    case 3:
        length = snprintf(text, sizeof text, "%lld", (long long)number);
        break;
    default:
        length = snprintf(text, sizeof text, "%.17ge%d", (double)number,
                          (int)next_choice(editor->state, 700) - 350);
    }
    set(editor, item->value, item->end, text, (size_t)length);
}

static const char *const words[] = {"",
                                    "null",
                                    "x",
                                    "w",
                                    "g",
                                    "h",
                                    "Convolution",
                                    "BatchNorm",
                                    "FullyConnected",
                                    "Pooling",
                                    "Activation",
                                    "LeakyReLU",
                                    "SliceChannel",
                                    "split",
                                    "stack",
                                    "Concat",
                                    "LayerNorm",
                                    "InstanceNorm",
                                    "L2Normalization",
                                    "SoftmaxOutput",
                                    "softmax",
                                    "Reshape",
                                    "reshape_like",
                                    "Flatten",
                                    "transpose",
                                    "SwapAxis",
                                    "expand_dims",
                                    "squeeze",
                                    "slice",
                                    "slice_axis",
                                    "slice_like",
                                    "Pad",
                                    "Embedding",
                                    "take",
                                    "dot",
                                    "batch_dot",
                                    "sum",
                                    "mean",
                                    "max",
                                    "norm",
                                    "argmax",
                                    "broadcast_add",
                                    "elemwise_add",
                                    "add_n",
                                    "_div_scalar",
                                    "_rdiv_scalar",
                                    "clip",
                                    "Cast",
                                    "LRN",
                                    "UpSampling",
                                    "Dropout",
                                    "zeros_like",
                                    "broadcast_like",
                                    "_copy",
                                    "relu",
                                    "prelu",
                                    "_contrib_AdaptiveAvgPooling2D",
                                    "Deconvolution",
                                    "RNN",
                                    "Custom",
                                    "foreach",
                                    "sqrt",
                                    "(0, 0, 0, 0)",
                                    "(1,)",
                                    "()",
                                    "(3, 3)",
                                    "(1, 1)",
                                    "(2, 2)",
                                    "(0, 1)",
                                    "(-1, 0)",
                                    "(None, 2)",
                                    "(None,None)",
                                    "(2L,)",
                                    "[1, 2]",
                                    "(0, -1)",
                                    "(-2, -3)",
                                    "(-4, 2, -1, -2)",
                                    "(2, 0, 1)",
                                    "(4294967296, 4294967296)",
                                    "(9223372036854775807,)",
                                    "(-9223372036854775808,)",
                                    "(1000000, 1000000)",
                                    "(1,1,1,1,1,1,1,1,1)",
                                    "0",
                                    "1",
                                    "2",
                                    "3",
                                    "-1",
                                    "4",
                                    "64",
                                    "True",
                                    "False",
                                    "None",
                                    "1e-5",
                                    "-0.5",
                                    "nan",
                                    "inf",
                                    "1e999",
                                    "65536",
                                    "2147483648",
                                    "281474976710656",
                                    "9223372036854775807",
                                    "-9223372036854775808",
                                    "18446744073709551616",
                                    "NHWC",
                                    "NCHW",
                                    "NCW",
                                    "valid",
                                    "full",
                                    "same",
                                    "avg",
                                    "lp",
                                    "edge",
                                    "reflect",
                                    "constant",
                                    "float16",
                                    "float64",
                                    "int8",
                                    "int64",
                                    "channel",
                                    "spatial",
                                    "instance",
                                    "kernel",
                                    "stride",
                                    "pad",
                                    "dilate",
                                    "num_filter",
                                    "num_group",
                                    "num_hidden",
                                    "no_bias",
                                    "axis",
                                    "axes",
                                    "begin",
                                    "end",
                                    "step",
                                    "shape",
                                    "reverse",
                                    "keepdims",
                                    "exclude",
                                    "pad_width",
                                    "pool_type",
                                    "global_pool",
                                    "pooling_convention",
                                    "num_outputs",
                                    "squeeze_axis",
                                    "__shape__",
                                    "__dtype__",
                                    "op",
                                    "name",
                                    "inputs",
                                    "attrs",
                                    "attr",
                                    "param",
                                    "nodes",
                                    "heads",
                                    "arg_nodes",
                                    "mxnet_version",
                                    "scalar"};

static void change_string(struct editor *editor)
{
    const struct item *item = pick_kind(editor->items, STRING, editor->state);
    const struct item *same = pick_kind(editor->items, STRING, editor->state);
    if (item == NULL)
        return;
    if (next_choice(editor->state, 3) == 0) {
        set(editor, item->value, item->end, editor->input->bytes + same->value,
            same->end - same->value);
        return;
    }
    char text[128];
    const int length = snprintf(text, sizeof text, "\"%s\"", PICK(words, editor->state));
    set(editor, item->value, item->end, text, (size_t)length);
}

/* A list of numbers as attributes hold them. */
static void write_tuple(struct editor *editor)
{
    const struct item *item = pick_kind(editor->items, STRING, editor->state);
    if (item == NULL)
        return;
    char text[256];
    int length = snprintf(text, sizeof text, "\"(");
    for (uint64_t left = next_choice(editor->state, 6); left > 0; left--)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, "%lld%s",
                     next_choice(editor->state, 2) ? (long long)next_choice(editor->state, 9) - 2
                                                   : (long long)pick_number(editor->state),
                     left == 1 ? "" : ",");
    length += snprintf(text + length, sizeof text - (size_t)length, ")\"");
    set(editor, item->value, item->end, text, (size_t)length);
}

/* Another attribute for a node. */
static void add_member(struct editor *editor)
{
    const struct item *item = pick_kind(editor->items, OBJECT, editor->state);
    if (item == NULL)
        return;
    char text[256];
    const bool is_empty = item->end - item->value <= 2;
    const int length = snprintf(text, sizeof text, "\"%s\":\"%s\"%s", PICK(words, editor->state),
                                PICK(words, editor->state), is_empty ? "" : ",");
    set(editor, item->value + 1, item->value + 1, text, (size_t)length);
}

static void nest_item(struct editor *editor)
{
    static const unsigned depths[] = {1, 2, 3, 60, 63, 64, 65, 200};
    const struct item *item = pick_part(editor);
    const bool is_object = next_choice(editor->state, 4) == 0;
    const size_t depth = PICK(depths, editor->state), size = item->end - item->value;
    const char *const open = is_object ? "{\"a\":" : "[";
    const size_t open_size = strlen(open);
    char *text = malloc(depth * (open_size + 1) + size + 1), *at = text;
    if (text == NULL)
        abort();
    for (size_t i = 0; i < depth; i++, at += open_size)
        memcpy(at, open, open_size);
    memcpy(at, editor->input->bytes + item->value, size);
    memset(at + size, is_object ? '}' : ']', depth);
    set(editor, item->value, item->end, text, depth * (open_size + 1) + size);
    free(text);
}

/* What strings may hold: escapes, NULs, bytes that are no UTF-8. */
static void break_string(struct editor *editor)
{
    static const char *const pieces[] = {"\\u0000",  "\\ud800", "\\n",     "\xff",
                                         "\xc3\xa9", "\\",      "\x01",    "\\\"",
                                         "%s%n",     "../",     "\\u00e9", "aaaaaaaaaaaaaaaa"};
    const struct item *item = pick_kind(editor->items, STRING, editor->state);
    if (item == NULL)
        return;
    const char *piece = PICK(pieces, editor->state);
    const size_t at = item->value + 1 + next_choice(editor->state, item->end - item->value - 1 + 1);
    set(editor, at, at, piece, strlen(piece));
}

void fuzz_mutate(struct fuzz_bytes *input, struct fuzz_view other, uint64_t *state)
{
    static void (*const changes[])(struct editor *) = {
        duplicate_item, drop_item,     swap_items,    copy_item,     copy_item,     change_number,
        change_number,  change_number, change_string, change_string, change_string, write_tuple,
        write_tuple,    add_member,    nest_item,     break_string};
    static struct items items, other_items;
    items = (struct items){.bytes = input->bytes, .size = input->size};
    other_items = (struct items){.bytes = other.bytes, .size = other.size};
    /* Numbers are read with strtoll, which must find an end. */
    if (input->size < input->capacity)
        input->bytes[input->size] = '\0';
    list_items(&items);
    list_items(&other_items);
    struct editor editor = {input, state, &items, &other_items};
    if (items.count == 0 || input->size == input->capacity || next_choice(state, 16) == 0)
        mutate_bytes(input, state);
    else
        PICK(changes, state)(&editor);
}
