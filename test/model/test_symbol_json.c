// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "model/mxnet/json_limits.h"
#include "model/mxnet/symbol_json.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

static cop_status parse_sized(const char *json, size_t size, struct mxnet_symbol *symbol,
                              cop_error *error)
{
    struct source *source = make_source(json, size, "x-symbol.json");
    *symbol = (struct mxnet_symbol){0};
    const cop_status status = cop_symbol_parse(source, symbol, error);
    cop_source_release(&source);
    return status;
}

static cop_status parse(const char *text, struct mxnet_symbol *symbol, cop_error *error)
{
    char *json = write_json(text);
    const cop_status status = parse_sized(json, strlen(json), symbol, error);
    free(json);
    return status;
}

static void parse_good(const char *text, struct mxnet_symbol *symbol)
{
    cop_error error = {0};
    ck_assert_msg(parse(text, symbol, &error) == COP_STATUS_OK, "%s", error.message);
}

static const char *attribute(const struct mxnet_node *node, const char *key)
{
    for (int i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].key, key) == 0)
            return node->attributes[i].value;
    return NULL;
}

START_TEST(every_spelling_of_attributes_is_read_and_later_ones_win)
{
    static const char *const spellings[] = {"param", "attr", "attrs"};
    struct mxnet_symbol symbol;
    for (int i = 0; i < 3; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{'nodes':[{'op':'null','name':'x','%s':{'a':'1'},'inputs':[]}],"
                 "'arg_nodes':[0],'heads':[[0,0]]}",
                 spellings[i]);
        parse_good(text, &symbol);
        ck_assert_str_eq(attribute(&symbol.nodes[0], "a"), "1");
        cop_symbol_release(&symbol);
    }
    parse_good("{'nodes':[{'op':'null','name':'x','attrs':{'a':'3'},'attr':{'a':'2','b':'5'},"
               "'param':{'a':'1','b':'4','c':'6'},'inputs':[]}],'arg_nodes':[0],'heads':[[0,0]]}",
               &symbol);
    ck_assert_int_eq(symbol.nodes[0].attribute_count, 3);
    ck_assert_str_eq(attribute(&symbol.nodes[0], "a"), "3");
    ck_assert_str_eq(attribute(&symbol.nodes[0], "b"), "5");
    ck_assert_str_eq(attribute(&symbol.nodes[0], "c"), "6");
    cop_symbol_release(&symbol);
}
END_TEST

START_TEST(entries_of_two_and_three_numbers_and_unknown_keys_are_read)
{
    struct mxnet_symbol symbol;
    parse_good("{'nodes':[{'op':'null','name':'x','inputs':[],'colour':3},"
               "{'op':'_plus','name':'y','inputs':[[0,0],[0,0,7]],'control_deps':[0]}],"
               "'arg_nodes':[0],'node_row_ptr':[0,1,2],'heads':[[1,0,0]],'more':{},"
               "'attrs':{'mxnet_version':['int',20000],'is_np_shape':['int',1]}}",
               &symbol);
    ck_assert_int_eq(symbol.version, 20000);
    ck_assert_int_eq(symbol.nodes[1].input_count, 2);
    ck_assert_int_eq(symbol.nodes[1].inputs[1].node, 0);
    ck_assert_int_eq(symbol.heads[0].node, 1);
    cop_symbol_release(&symbol);
}
END_TEST

START_TEST(a_symbol_that_states_no_version_is_of_0_8)
{
    struct mxnet_symbol symbol;
    parse_good(OLD_SYMBOL(VARIABLE("x"), "[0,0]"), &symbol);
    ck_assert_int_eq(symbol.version, 800);
    cop_symbol_release(&symbol);
}
END_TEST

START_TEST(what_contradicts_the_format_is_malformed)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "the symbol is empty"},
        {"[]", "not an object"},
        {"{}", "no list \"nodes\""},
        {"{'nodes':[],'arg_nodes':[],'heads':[[0,0]]}", "1 to 1000000 nodes"},
        {"{'nodes':[" VARIABLE("x") "],'heads':[[0,0]]}", "no list \"arg_nodes\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[1],'heads':[[0,0]]}",
         "entry 0 of \"arg_nodes\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':['0'],'heads':[[0,0]]}", "\"arg_nodes\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0]}", "no list \"heads\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[]}", "1 to 65536 outputs"},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[1,0]]}", "entry 0 of \"heads\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[-1,0]]}", "entry 0 of \"heads\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[0,-1]]}", "entry 0 of \"heads\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[0]]}", "entry 0 of \"heads\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[0,0,0,0]]}", "\"heads\""},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[0],'heads':[[0.0,0]]}", "\"heads\""},
        {"{'nodes':[7],'arg_nodes':[],'heads':[[0,0]]}", "node 0: no texts"},
        {"{'nodes':[{'op':'null','inputs':[]}],'arg_nodes':[],'heads':[[0,0]]}",
         "node 0: no texts"},
        {"{'nodes':[{'op':'null','name':'x'}],'arg_nodes':[],'heads':[[0,0]]}",
         "node 'x': no list \"inputs\""},
        {"{'nodes':[{'op':'null','name':'x','inputs':[[0,0]]}],'arg_nodes':[],'heads':[[0,0]]}",
         "a variable with inputs"},
        {"{'nodes':[{'op':'n','name':'x','inputs':[[1,0]]}],'arg_nodes':[],'heads':[[0,0]]}",
         "node 'x': entry 0 of \"inputs\""},
        {"{'nodes':[{'op':'n','name':'x','attrs':[],'inputs':[]}],'arg_nodes':[],'heads':[[0,0]]}",
         "\"attrs\" is not an object"},
        {"{'nodes':[{'op':'n','name':'x','attrs':{'k':3},'inputs':[]}],'arg_nodes':[],"
         "'heads':[[0,0]]}",
         "attribute 'k' is not a string"},
        {"{'nodes':[{'op':'n','name':'x','attrs':{'k':'1','k':'2'},'inputs':[]}],'arg_nodes':[],"
         "'heads':[[0,0]]}",
         "duplicate"},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[],'heads':[[0,0]],'attrs':"
                                    "{'mxnet_version':10901}}",
         "mxnet_version"},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[],'heads':[[0,0]]} x", "line 1"},
        {"{'nodes':[" VARIABLE("x") "],'arg_nodes':[],'heads':[[99999999999999999999,0]]}", "line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mxnet_symbol symbol;
        cop_error error = {0};
        const cop_status status = parse(cases[i].text, &symbol, &error);
        ck_assert_msg(status == COP_STATUS_MALFORMED_MODEL &&
                          strstr(error.message, cases[i].message) != NULL &&
                          strncmp(error.message, "x-symbol.json: ", 15) == 0,
                      "case %zu: %s: %s", i, cop_status_name(status), error.message);
        cop_symbol_release(&symbol);
    }
}
END_TEST

/* `count` of `open`, then `count` of `close`. */
static char *nest(const char *open, const char *close, int count)
{
    char *text = calloc((size_t)count * 2, 8);
    for (int i = 0; i < count; i++)
        strcat(text, open);
    for (int i = 0; i < count; i++)
        strcat(text, close);
    return text;
}

static size_t longest;

START_TEST(nesting_is_counted_before_anything_is_built)
{
    cop_error error;
    char *good = nest("[", "]", COP_SYMBOL_MAX_DEPTH),
         *bad = nest("[", "]", COP_SYMBOL_MAX_DEPTH + 1);
    ck_assert_int_eq(
        cop_json_check_limits(good, strlen(good), COP_SYMBOL_MAX_DEPTH, 100, &longest, &error),
        COP_STATUS_OK);
    ck_assert_int_eq(
        cop_json_check_limits(bad, strlen(bad), COP_SYMBOL_MAX_DEPTH, 100, &longest, &error),
        COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "byte 64: nested deeper than 64"));
    free(good);
    free(bad);
    ck_assert_int_eq(cop_json_check_limits("'[[[\"[[[[\\\"[[\"", 12, 3, 100, &longest, &error),
                     COP_STATUS_OK);
}
END_TEST

START_TEST(a_string_has_at_most_a_mebibyte)
{
    const size_t most = COP_SYMBOL_MAX_STRING_BYTES;
    cop_error error;
    for (size_t length = most; length <= most + 1; length++) {
        char *text = malloc(length + 3);
        memset(text, 'a', length + 2);
        text[0] = text[length + 1] = '"';
        ck_assert_int_eq(cop_json_check_limits(text, length + 2, 64, most, &longest, &error),
                         length == most ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL);
        ck_assert_uint_eq(longest, most + 2);
        free(text);
    }
}
END_TEST

START_TEST(a_text_that_would_grow_manifold_is_refused)
{
    /* 12 MB of empty objects would take a gigabyte. */
    const size_t count = 4 << 20;
    char *text = malloc(count * 3 + 2);
    text[0] = '[';
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + i * 3, "{},", 3);
    text[count * 3] = ']';
    struct mxnet_symbol symbol;
    cop_error error;
    ck_assert_int_eq(parse_sized(text, count * 3 + 1, &symbol, &error), COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "more values than"));
    cop_symbol_release(&symbol);
    free(text);
}
END_TEST

/* `count` variables and one output. */
static char *many_nodes(size_t count, size_t *size)
{
    static const char node[] = "{\"op\":\"null\",\"name\":\"\",\"inputs\":[]},";
    char *text = malloc(count * sizeof node + 100);
    ck_assert_ptr_nonnull(text);
    size_t at = (size_t)sprintf(text, "{\"nodes\":[");
    for (size_t i = 0; i < count; i++, at += sizeof node - 1)
        memcpy(text + at, node, sizeof node - 1);
    *size = at - 1 + (size_t)sprintf(text + at - 1, "],\"arg_nodes\":[0],\"heads\":[[0,0]]}");
    return text;
}

START_TEST(a_million_nodes_are_the_most)
{
    for (size_t extra = 0; extra < 2; extra++) {
        size_t size;
        char *text = many_nodes(COP_MAX_NODES + extra, &size);
        struct mxnet_symbol symbol;
        cop_error error = {0};
        ck_assert_int_eq(parse_sized(text, size, &symbol, &error),
                         extra == 0 ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL);
        cop_symbol_release(&symbol);
        free(text);
    }
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, 0);
}
END_TEST

START_TEST(outputs_and_attributes_have_limits)
{
    for (int extra = 0; extra < 2; extra++) {
        const cop_status expected = extra == 0 ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL;
        char *text = malloc(1 << 20);
        ck_assert_ptr_nonnull(text);
        size_t length = (size_t)sprintf(text, "{'nodes':[" VARIABLE("x") "],'arg_nodes':[],"
                                                                         "'heads':[[0,0]");
        for (int i = 1; i < COP_SYMBOL_MAX_HEADS + extra; i++)
            length += (size_t)sprintf(text + length, ",[0,0]");
        strcpy(text + length, "]}");
        struct mxnet_symbol symbol;
        ck_assert_int_eq(parse(text, &symbol, NULL), expected);
        cop_symbol_release(&symbol);
        length = (size_t)sprintf(text, "{'nodes':[{'op':'null','name':'x','inputs':[],'attrs':{");
        for (int i = 0; i < 1024 + extra; i++)
            length += (size_t)sprintf(text + length, "%s'%d':''", i == 0 ? "" : ",", i);
        strcpy(text + length, "}}],'arg_nodes':[],'heads':[[0,0]]}");
        ck_assert_int_eq(parse(text, &symbol, NULL), expected);
        cop_symbol_release(&symbol);
        free(text);
    }
}
END_TEST

static const char small_symbol[] =
    SYMBOL(VARIABLE("x") "," VARIABLE("w") "," NODE(
               "FullyConnected", "fc", "'num_hidden':'2','no_bias':'True'", "[0,0,0],[1,0,0]"),
           "[2,0,0]");

START_TEST(a_symbol_cut_anywhere_is_malformed)
{
    char *json = write_json(small_symbol);
    for (size_t size = 0; size < strlen(json); size++) {
        char *cut = malloc(size + 1); /* exact, so that a sanitizer sees a read past its end */
        memcpy(cut, json, size);
        char *exact = realloc(cut, size == 0 ? 1 : size);
        const cop_bytes given = {.data = exact, .size = size};
        struct source *source = NULL;
        struct mxnet_symbol symbol = {0};
        cop_error error;
        ck_assert_int_eq(cop_source_from_bytes(&given, "cut", &source, &error), COP_STATUS_OK);
        ck_assert_int_eq(cop_symbol_parse(source, &symbol, &error), COP_STATUS_MALFORMED_MODEL);
        cop_symbol_release(&symbol);
        cop_source_release(&source);
        free(exact);
    }
    free(json);
}
END_TEST

int main(void)
{
    return RUN_TESTS("symbol json", every_spelling_of_attributes_is_read_and_later_ones_win,
                     entries_of_two_and_three_numbers_and_unknown_keys_are_read,
                     a_symbol_that_states_no_version_is_of_0_8,
                     what_contradicts_the_format_is_malformed,
                     nesting_is_counted_before_anything_is_built, a_string_has_at_most_a_mebibyte,
                     a_text_that_would_grow_manifold_is_refused, a_million_nodes_are_the_most,
                     outputs_and_attributes_have_limits, a_symbol_cut_anywhere_is_malformed);
}
