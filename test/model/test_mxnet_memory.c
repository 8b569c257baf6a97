// SPDX-License-Identifier: Apache-2.0
/*
 * What hostile files may cost: at most 64 MB + 50 × the size of a symbol, 64 MB + 4 × that of a
 * parameter list. Each test is a process of its own, whose peak is measured.
 */
#include "model/mxnet_files.h"
#include "support/unit.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1 /* shadow memory would be counted */
#else
#define IS_SANITIZED 0
#endif

#define MEGABYTE ((size_t)1 << 20)

struct long_text {
    char *bytes;
    size_t size;
};

static struct long_text start_text(size_t most)
{
    struct long_text text = {.bytes = malloc(most)};
    ck_assert_ptr_nonnull(text.bytes);
    return text;
}

/* Adds a piece `count` times, with double quotes for single ones. */
static void add(struct long_text *text, const char *piece, size_t count)
{
    char *json = write_json(piece);
    const size_t length = strlen(json);
    for (size_t i = 0; i < count; i++, text->size += length)
        memcpy(text->bytes + text->size, json, length);
    free(json);
}

static void keep(void *user, const void *bytes)
{
    (void)user, (void)bytes;
}

/* Loads a symbol without parameters, and checks what the process took at most. */
static void load_and_measure(struct long_text *symbol, cop_status expected)
{
    struct byte_writer writer;
    write_params(&writer, "g 4;b 4;");
    const cop_bytes symbol_bytes = {symbol->bytes, symbol->size, keep, NULL};
    const cop_bytes params_bytes = {writer.bytes, writer.size, keep, NULL};
    cop_model *model = NULL;
    cop_error error = {0};
    const cop_status status = cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol_bytes,
                                                   &params_bytes, NULL, &model, &error);
    ck_assert_msg(status == expected, "%s: %s", cop_status_name(status), error.message);
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    const size_t peak = (size_t)usage.ru_maxrss * 1024, most = 64 * MEGABYTE + 50 * symbol->size;
    printf("%s: %zu bytes of symbol, peak %zu MB of %zu\n", cop_status_name(status), symbol->size,
           peak / MEGABYTE, most / MEGABYTE);
    if (!IS_SANITIZED)
        ck_assert_uint_le(peak, most);
    cop_model_release(&model);
    free(symbol->bytes);
}

#define HEAD "{'nodes':[" VARIABLE("x") "," VARIABLE("g") "," VARIABLE("b")
#define TAIL "],'arg_nodes':[],'heads':[[3,0]],'attrs':{'mxnet_version':['int',10901]}}"

/* One operator with as many inputs as fit 4 MB. */
static void load_wide(const char *op, cop_status expected)
{
    struct long_text text = start_text(5 * MEGABYTE);
    add(&text, HEAD ",{'op':'", 1), add(&text, op, 1), add(&text, "','name':'','inputs':[", 1);
    add(&text, "[0,0],", 4 * MEGABYTE / 6), add(&text, "[0,0]]}" TAIL, 1);
    load_and_measure(&text, expected);
}

START_TEST(a_concat_of_many_inputs)
{
    load_wide("Concat", COP_STATUS_OK);
}
END_TEST

START_TEST(a_sum_of_many_inputs)
{
    load_wide("add_n", COP_STATUS_MALFORMED_MODEL);
}
END_TEST

START_TEST(a_stack_of_many_inputs)
{
    load_wide("stack", COP_STATUS_MALFORMED_MODEL);
}
END_TEST

/* As many nodes as fit 8 MB, all of them outputs as far as that is allowed. */
static void load_many(const char *node, size_t count, cop_status expected)
{
    struct long_text text = start_text(16 * MEGABYTE);
    add(&text, HEAD, 1), add(&text, node, count);
    add(&text, "],'arg_nodes':[],'heads':[", 1);
    for (size_t i = 0; i < count && i < 65535; i++) {
        char head[32];
        snprintf(head, sizeof head, "[%zu,0],", i + 3);
        add(&text, head, 1);
    }
    add(&text, "[3,0]],'attrs':{'mxnet_version':['int',10901]}}", 1);
    load_and_measure(&text, expected);
}

START_TEST(many_small_nodes)
{
    load_many(",{'op':'relu','name':'','inputs':[[0,0]]}", 200000, COP_STATUS_OK);
}
END_TEST

START_TEST(many_nodes_that_become_ten_each)
{
    load_many(",{'op':'LayerNorm','name':'','inputs':[[0,0],[1,0],[2,0]]}", 100000,
              COP_STATUS_MALFORMED_MODEL);
}
END_TEST

START_TEST(many_nodes_that_are_not_known)
{
    load_many(",{'op':'?','name':'','inputs':[[0,0]]}", 200000, COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(many_inputs_of_old_symbols_to_be_added)
{
    struct long_text text = start_text(16 * MEGABYTE);
    add(&text, HEAD, 1), add(&text, ",{'op':'BatchNorm','name':'','inputs':[]}", 180000);
    add(&text, "],'arg_nodes':[],'heads':[[3,0]]}", 1);
    load_and_measure(&text, COP_STATUS_MALFORMED_MODEL);
}
END_TEST

START_TEST(one_output_many_times)
{
    struct long_text text = start_text(MEGABYTE);
    add(&text, HEAD ",{'op':'relu','name':'','inputs':[[0,0]]}],'arg_nodes':[],'heads':[", 1);
    add(&text, "[3,0],", 65535);
    add(&text, "[3,0]],'attrs':{'mxnet_version':['int',10901]}}", 1);
    load_and_measure(&text, COP_STATUS_OK);
}
END_TEST

/* A list of 8 MB under a key that means nothing. */
static void load_list(const char *element, cop_status expected)
{
    struct long_text text = start_text(9 * MEGABYTE);
    add(&text,
        HEAD ",{'op':'relu','name':'','inputs':[[0,0]]}],'arg_nodes':[],'heads':[[3,0]],"
             "'noise':[",
        1);
    add(&text, element, 8 * MEGABYTE / strlen(element) - 1);
    add(&text, "0],'attrs':{'mxnet_version':['int',10901]}}", 1);
    load_and_measure(&text, expected);
}

START_TEST(lists_of_the_smallest_values)
{
    load_list("1,", COP_STATUS_OK);
}
END_TEST

START_TEST(lists_of_the_smallest_texts)
{
    load_list("'',", COP_STATUS_OK);
}
END_TEST

START_TEST(lists_of_empty_lists)
{
    load_list("[],", COP_STATUS_MALFORMED_MODEL);
}
END_TEST

START_TEST(lists_of_objects_of_one_key)
{
    load_list("{'':1},", COP_STATUS_MALFORMED_MODEL);
}
END_TEST

START_TEST(nodes_of_many_attributes)
{
    struct long_text text = start_text(16 * MEGABYTE);
    add(&text, HEAD, 1);
    for (int i = 0; i < 600; i++) {
        add(&text, ",{'op':'relu','name':'','attrs':{'':''", 1);
        for (int k = 0; k < 1023; k++) {
            char attribute[32];
            snprintf(attribute, sizeof attribute, ",'%x':''", k);
            add(&text, attribute, 1);
        }
        add(&text, "},'inputs':[[0,0]]}", 1);
    }
    add(&text, TAIL, 1);
    load_and_measure(&text, COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(the_smallest_arrays_there_are)
{
    const size_t count = 1000 * 1000, size = 24 + count * 4 + 8 + count * 12;
    unsigned char *bytes = calloc(1, size);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, &(uint64_t){0x112}, 8);
    memcpy(bytes + 16, &(uint64_t){count}, 8);
    memcpy(bytes + 24 + count * 4, &(uint64_t){count}, 8);
    for (size_t i = 0; i < count; i++) {
        unsigned char *name = bytes + 24 + count * 4 + 8 + i * 12;
        name[0] = 4;
        memcpy(name + 8, &(uint32_t){(uint32_t)(i * 2654435761U)}, 4);
    }
    char *json = write_json(SYMBOL(VARIABLE("x") "," NODE("relu", "r", "", "[0,0]"), "[1,0]"));
    const cop_bytes symbol = {json, strlen(json), keep, NULL}, params = {bytes, size, keep, NULL};
    cop_model *model = NULL;
    ck_assert_int_eq(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model, NULL),
        COP_STATUS_OK);
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    printf("%zu bytes of arrays, peak %ld MB\n", size, usage.ru_maxrss / 1024);
    if (!IS_SANITIZED)
        ck_assert_uint_le((size_t)usage.ru_maxrss * 1024, 64 * MEGABYTE + 4 * size);
    cop_model_release(&model);
    free(bytes);
    free(json);
}
END_TEST

int main(void)
{
    return RUN_TESTS("mxnet memory", a_concat_of_many_inputs, a_sum_of_many_inputs,
                     a_stack_of_many_inputs, many_small_nodes, many_nodes_that_become_ten_each,
                     many_nodes_that_are_not_known, many_inputs_of_old_symbols_to_be_added,
                     one_output_many_times, lists_of_the_smallest_values,
                     lists_of_the_smallest_texts, lists_of_empty_lists, lists_of_objects_of_one_key,
                     nodes_of_many_attributes, the_smallest_arrays_there_are);
}
