// SPDX-License-Identifier: Apache-2.0
/*
 * Changes .params files record by record: counts, marks, shapes, devices, element types and names
 * get other values, records are dropped, doubled, exchanged and taken from other files, with the
 * counts corrected or not.
 */
#include "fuzz/fuzz_target.h"

#define MAX_PARTS 2048
#define V1        0xF993FAC8u
#define V2        0xF993FAC9u
#define V3        0xF993FACAu

enum part_kind { COUNT, MAGIC, STORAGE, RANK, DIM, DEVICE, DTYPE, ELEMENTS, LENGTH, NAME };

struct part {
    size_t begin, size;
    enum part_kind kind;
};

struct record {
    size_t begin, end;
};

/* What was understood of a file, up to the first thing that was not. */
struct list {
    const unsigned char *bytes;
    size_t size, at;
    bool failed;
    int part_count, record_count, name_count;
    size_t name_count_at; /* 0: not reached */
    struct part parts[MAX_PARTS];
    struct record records[MAX_PARTS], names[MAX_PARTS];
};

static uint64_t take(struct list *list, enum part_kind kind, size_t size)
{
    uint64_t value = 0;
    if (list->failed || size > list->size - list->at || list->part_count == MAX_PARTS) {
        list->failed = true;
        return 0;
    }
    if (size <= 8)
        memcpy(&value, list->bytes + list->at, size);
    list->parts[list->part_count++] = (struct part){list->at, size, kind};
    list->at += size;
    return value;
}

/* The elements that a shape has; a large number where it overflows. */
static uint64_t take_shape(struct list *list, uint32_t rank, size_t dim_bytes)
{
    uint64_t product = rank == 0 ? 0 : 1;
    for (uint32_t i = 0; i < rank && rank <= 8; i++) {
        const uint64_t dim = take(list, DIM, dim_bytes);
        product = dim != 0 && product > SIZE_MAX / 16 / dim ? SIZE_MAX / 16 : product * dim;
    }
    return rank > 8 ? SIZE_MAX / 16 : product;
}

static size_t dtype_bytes(uint64_t dtype)
{
    static const unsigned char sizes[] = {4, 8, 2, 1, 4, 1, 8, 1, 2, 2, 4, 8, 2};
    return dtype < sizeof sizes ? sizes[dtype] : 4;
}

static void read_record(struct list *list)
{
    const size_t begin = list->at;
    const uint32_t magic = (uint32_t)take(list, MAGIC, 4);
    const bool is_old = magic < V1 || magic > V3;
    const uint64_t storage = magic >= V2 && !is_old ? take(list, STORAGE, 4) : 0;
    uint64_t elements[3] = {0}, dtypes[3] = {0};
    const size_t index_count = storage == 1 || storage == 2 ? (size_t)storage : 0;
    if (index_count > 0)
        elements[0] = take_shape(list, (uint32_t)take(list, RANK, 4), 8);
    const uint32_t rank = is_old ? magic : (uint32_t)take(list, RANK, 4);
    const uint64_t whole = take_shape(list, rank, is_old ? 4 : 8);
    if (index_count == 0)
        elements[0] = whole;
    if (rank > 0 || magic == V3) {
        (void)take(list, DEVICE, 8);
        dtypes[0] = take(list, DTYPE, 4);
        for (size_t i = 1; i <= index_count; i++) {
            dtypes[i] = take(list, DTYPE, 4);
            elements[i] = take_shape(list, (uint32_t)take(list, RANK, 4), 8);
        }
        if (rank == 0 && index_count == 0)
            elements[0] = 1; /* a scalar of version 3 */
        for (size_t i = 0; i <= index_count; i++)
            (void)take(list, ELEMENTS, (size_t)elements[i] * dtype_bytes(dtypes[i]));
    }
    if (!list->failed)
        list->records[list->record_count++] = (struct record){begin, list->at};
}

static void read_list(struct list *list)
{
    list->at = list->part_count = list->record_count = list->name_count = 0;
    list->failed = false;
    list->name_count_at = 0;
    (void)take(list, MAGIC, 8);
    (void)take(list, MAGIC, 8);
    for (uint64_t left = take(list, COUNT, 8); left > 0 && !list->failed; left--)
        read_record(list);
    const size_t at = list->at;
    uint64_t names = take(list, COUNT, 8);
    if (!list->failed)
        list->name_count_at = at;
    for (; names > 0 && !list->failed; names--) {
        const size_t begin = list->at;
        const uint64_t length = take(list, LENGTH, 8);
        (void)take(list, NAME, length > list->size ? list->size + 1 : (size_t)length);
        if (!list->failed)
            list->names[list->name_count++] = (struct record){begin, list->at};
    }
}

struct editor {
    struct fuzz_bytes *input;
    uint64_t *state;
    struct list *list, *other;
};

static void add_to(struct editor *editor, size_t at, uint64_t change)
{
    uint64_t count;
    if (at == 0 || at + 8 > editor->input->size)
        return;
    memcpy(&count, editor->input->bytes + at, 8);
    count += change;
    memcpy(editor->input->bytes + at, &count, 8);
}

static const struct part *pick_part(struct editor *editor, enum part_kind first,
                                    enum part_kind last)
{
    const struct list *list = editor->list;
    const int start = (int)next_choice(editor->state, (uint64_t)list->part_count);
    for (int i = 0; i < list->part_count; i++) {
        const struct part *part = &list->parts[(start + i) % list->part_count];
        if (part->kind >= first && part->kind <= last)
            return part;
    }
    return NULL;
}

static void put_number(struct editor *editor, const struct part *part, uint64_t value)
{
    if (part != NULL)
        memcpy(editor->input->bytes + part->begin, &value, part->size < 8 ? part->size : 8);
}

static void change_any(struct editor *editor)
{
    put_number(editor, pick_part(editor, COUNT, LENGTH), pick_number(editor->state));
}

static void change_dim(struct editor *editor)
{
    const struct part *part = pick_part(editor, RANK, DIM);
    put_number(editor, part,
               next_choice(editor->state, 2) ? next_choice(editor->state, 10)
                                             : pick_number(editor->state));
}

static void change_count(struct editor *editor)
{
    const struct part *part = pick_part(editor, COUNT, COUNT);
    if (part != NULL && next_choice(editor->state, 2))
        add_to(editor, part->begin, next_choice(editor->state, 2) ? 1 : UINT64_MAX);
    else
        put_number(editor, part, pick_number(editor->state));
}

static void change_magic(struct editor *editor)
{
    static const uint32_t marks[] = {V1, V2, V3, V1 - 1, V3 + 1, 0, 1, 2, 0x112};
    const struct part *part = pick_part(editor, MAGIC, MAGIC);
    put_number(editor, part, PICK(marks, editor->state));
}

static void change_kind(struct editor *editor)
{
    const struct part *part = next_choice(editor->state, 2) ? pick_part(editor, DTYPE, DTYPE)
                                                            : pick_part(editor, STORAGE, STORAGE);
    put_number(editor, part, next_choice(editor->state, 15));
}

/* A dimension more or less, the rank with it. */
static void change_rank(struct editor *editor)
{
    const struct part *part = pick_part(editor, RANK, RANK);
    const unsigned char one[8] = {1};
    if (part == NULL)
        return;
    uint32_t rank;
    memcpy(&rank, editor->input->bytes + part->begin, 4);
    if (next_choice(editor->state, 2) || rank == 0) {
        rank++;
        if (!replace_range(editor->input, part->begin + 4, part->begin + 4, one, 8))
            return;
    } else if (editor->input->size - part->begin >= 12) {
        rank--;
        (void)replace_range(editor->input, part->begin + 4, part->begin + 12, NULL, 0);
    }
    memcpy(editor->input->bytes + part->begin, &rank, 4);
}

static void drop_record(struct editor *editor)
{
    const struct list *list = editor->list;
    if (list->record_count == 0)
        return;
    const int index = (int)next_choice(editor->state, (uint64_t)list->record_count);
    const bool is_counted = next_choice(editor->state, 4) != 0;
    if (is_counted && index < list->name_count) {
        (void)replace_range(editor->input, list->names[index].begin, list->names[index].end, NULL,
                            0);
        add_to(editor, list->name_count_at, UINT64_MAX);
    }
    (void)replace_range(editor->input, list->records[index].begin, list->records[index].end, NULL,
                        0);
    if (is_counted)
        add_to(editor, 16, UINT64_MAX);
}

static void copy_record(struct editor *editor)
{
    const struct list *list = editor->list;
    const struct list *from = next_choice(editor->state, 2) ? editor->other : list;
    if (list->record_count == 0 || from->record_count == 0)
        return;
    const int index = (int)next_choice(editor->state, (uint64_t)list->record_count);
    const struct record *into = &list->records[index];
    const struct record *record =
        &from->records[next_choice(editor->state, (uint64_t)from->record_count)];
    const bool is_added = next_choice(editor->state, 2) != 0;
    if (is_added && list->name_count > 0) { /* first what lies behind */
        unsigned char name[16] = {3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
        name[8] = (unsigned char)('a' + next_choice(editor->state, 26));
        const size_t end = list->names[list->name_count - 1].end;
        if (replace_range(editor->input, end, end, name, 11))
            add_to(editor, list->name_count_at, 1);
    }
    if (replace_range(editor->input, is_added ? into->end : into->begin, into->end,
                      from->bytes + record->begin, record->end - record->begin) &&
        is_added && next_choice(editor->state, 8) != 0)
        add_to(editor, 16, 1);
}

static void swap_records(struct editor *editor)
{
    struct list *list = editor->list;
    const bool is_name = next_choice(editor->state, 2) != 0;
    const struct record *records = is_name ? list->names : list->records;
    const int count = is_name ? list->name_count : list->record_count;
    if (count < 2)
        return;
    const uint64_t a = next_choice(editor->state, (uint64_t)count - 1);
    const uint64_t b = a + 1 + next_choice(editor->state, (uint64_t)count - a - 1);
    swap_ranges(editor->input, records[a].begin, records[a].end, records[b].begin, records[b].end);
}

static void change_name(struct editor *editor)
{
    static const char *const words[] = {
        "",        "x",    "w",         "arg:w",         "aux:w",
        "arg:",    "aux:", "arg:arg:w", "n_moving_mean", "aux:n_moving_var",
        "g",       "b",    "h",         "%s%s%n",        "..",
        "c_weight"};
    const struct list *list = editor->list;
    if (list->name_count == 0)
        return;
    const struct record *name =
        &list->names[next_choice(editor->state, (uint64_t)list->name_count)];
    const char *word = PICK(words, editor->state);
    unsigned char bytes[64] = {(unsigned char)strlen(word)};
    memcpy(bytes + 8, word, strlen(word));
    (void)replace_range(editor->input, name->begin, name->end, bytes, 8 + strlen(word));
}

/* A record of version 2 becomes one of version 1 or 3, and the other way. */
static void change_version(struct editor *editor)
{
    const struct part *part = pick_part(editor, MAGIC, MAGIC);
    uint32_t mark, to;
    if (part == NULL || part->size != 4)
        return;
    memcpy(&mark, editor->input->bytes + part->begin, 4);
    if (mark < V1 || mark > V3)
        return;
    to = V1 + (uint32_t)next_choice(editor->state, 3);
    memcpy(editor->input->bytes + part->begin, &to, 4);
    if (mark >= V2 && to == V1 && editor->input->size - part->begin >= 8)
        (void)replace_range(editor->input, part->begin + 4, part->begin + 8, NULL, 0);
    else if (mark == V1 && to >= V2)
        (void)replace_range(editor->input, part->begin + 4, part->begin + 4, "\0\0\0\0", 4);
}

/* Shape and elements that belong together, only of another size. */
static void resize_elements(struct editor *editor)
{
    const struct part *part = pick_part(editor, ELEMENTS, ELEMENTS);
    if (part == NULL)
        return;
    const size_t size = (size_t)next_choice(editor->state, part->size + 9);
    if (size <= part->size) {
        (void)replace_range(editor->input, part->begin + size, part->begin + part->size, NULL, 0);
    } else {
        (void)replace_range(editor->input, part->begin + part->size, part->begin + part->size,
                            "\0\0\200\77\0\0\0\0", size - part->size);
    }
}

void fuzz_mutate(struct fuzz_bytes *input, struct fuzz_view other, uint64_t *state)
{
    static void (*const changes[])(struct editor *) = {
        change_any,  change_any,  change_dim,     change_dim,     change_count, change_magic,
        change_kind, change_rank, drop_record,    copy_record,    copy_record,  swap_records,
        change_name, change_name, change_version, resize_elements};
    static struct list list, other_list;
    list.bytes = input->bytes, list.size = input->size;
    other_list.bytes = other.bytes, other_list.size = other.size;
    read_list(&list);
    read_list(&other_list);
    struct editor editor = {input, state, &list, &other_list};
    if (list.part_count == 0 || next_choice(state, 16) == 0)
        mutate_bytes(input, state);
    else
        PICK(changes, state)(&editor);
}
