// SPDX-License-Identifier: Apache-2.0
/* Symbols as JSON: written as MXNet writes them to the byte, read from every version, hostile
 * texts, and files. */
#include <dirent.h>
#include <unistd.h>

#include "mxnet/mx_symbols.h"
#include "support/data.h"

#define VARIABLE(name) "    {\n      \"op\": \"null\", \n      \"name\": \"" name "\", \n"
#define END            "      \"inputs\": []\n    }, \n"

static const char classifier[] = "{\n  \"nodes\": [\n" VARIABLE("data") END
    VARIABLE("fc_weight") "      \"attrs\": {\n        \"__lr_mult__\": \"3\", \n        "
                          "\"num_hidden\": \"2\"\n      }, \n" END VARIABLE(
                              "fc_bias") "      \"attrs\": {\n        \"__lr_mult__\": \"3\", \n   "
                                         "     "
                                         "\"num_hidden\": \"2\"\n      }, \n" END
                                         "    {\n      \"op\": \"FullyConnected\", \n      "
                                         "\"name\": \"fc\", \n      \"attrs\": {\n"
                                         "        \"__lr_mult__\": \"3\", \n        "
                                         "\"num_hidden\": \"2\"\n      }, \n"
                                         "      \"inputs\": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]\n    "
                                         "}, \n" VARIABLE(
                                             "bn_gamma") "      \"attrs\": {\"fix_gamma\": "
                                                         "\"False\"}, \n" END VARIABLE("bn_beta") "      \"attrs\": {\"fix_gamma\": \"False\"}, \n" END
                                                             VARIABLE(
                                                                 "bn_moving_mean") "      "
                                                                                   "\"attrs\": {\n "
                                                                                   "       "
                                                                                   "\"__init__\": "
                                                                                   "\"["
                                                                                   "\\\"zero\\\", "
                                                                                   "{}]\", \n"
                                                                                   "        "
                                                                                   "\"fix_gamma\": "
                                                                                   "\"False\"\n    "
                                                                                   "  }, \n" END VARIABLE(
                                                                                       "bn_moving_"
                                                                                       "var") "    "
                                                                                              "  "
                                                                                              "\"at"
                                                                                              "trs"
                                                                                              "\": "
                                                                                              "{\n "
                                                                                              "    "
                                                                                              "   "
                                                                                              "\"__"
                                                                                              "init"
                                                                                              "__"
                                                                                              "\": "
                                                                                              "\"["
                                                                                              "\\\""
                                                                                              "one"
                                                                                              "\\\""
                                                                                              ", "
                                                                                              "{}]"
                                                                                              "\", "
                                                                                              "\n"
                                                                                              "    "
                                                                                              "    "
                                                                                              "\"fi"
                                                                                              "x_"
                                                                                              "gamm"
                                                                                              "a\":"
                                                                                              " \"F"
                                                                                              "alse"
                                                                                              "\"\n"
                                                                                              "    "
                                                                                              "  "
                                                                                              "}, "
                                                                                              "\n" END
                                                                                              "    "
                                                                                              "{\n "
                                                                                              "    "
                                                                                              " \"o"
                                                                                              "p\":"
                                                                                              " \"B"
                                                                                              "atch"
                                                                                              "Norm"
                                                                                              "\", "
                                                                                              "\n  "
                                                                                              "    "
                                                                                              "\"na"
                                                                                              "me\""
                                                                                              ": "
                                                                                              "\"bn"
                                                                                              "\", "
                                                                                              "\n"
                                                                                              "    "
                                                                                              "  "
                                                                                              "\"at"
                                                                                              "trs"
                                                                                              "\": "
                                                                                              "{\"f"
                                                                                              "ix_"
                                                                                              "gamm"
                                                                                              "a\":"
                                                                                              " \"F"
                                                                                              "alse"
                                                                                              "\"},"
                                                                                              " \n"
                                                                                              "    "
                                                                                              "  "
                                                                                              "\"in"
                                                                                              "puts"
                                                                                              "\": "
                                                                                              "[[3,"
                                                                                              " 0, "
                                                                                              "0], "
                                                                                              "[4, "
                                                                                              "0, "
                                                                                              "0], "
                                                                                              "[5, "
                                                                                              "0, "
                                                                                              "0], "
                                                                                              "[6, "
                                                                                              "0, "
                                                                                              "1], "
                                                                                              "[7, "
                                                                                              "0, "
                                                                                              "1]]"
                                                                                              "\n  "
                                                                                              "  "
                                                                                              "}, "
                                                                                              "\n" VARIABLE(
                                                                                                  "softmax_label")
                                                                                                  END
    "    {\n      \"op\": \"SoftmaxOutput\", \n      \"name\": \"softmax\", \n"
    "      \"inputs\": [[8, 0, 0], [9, 0, 0]]\n    }\n  ], \n"
    "  \"arg_nodes\": [0, 1, 2, 4, 5, 6, 7, 9], \n  \"node_row_ptr\": [\n    0, \n    1, \n    2, "
    "\n"
    "    3, \n    4, \n    5, \n    6, \n    7, \n    8, \n    11, \n    12, \n    13\n  ], \n"
    "  \"heads\": [[10, 0, 0]], \n  \"attrs\": {\"mxnet_version\": [\"int\", 10901]}\n}";

static SymbolHandle make_classifier(void)
{
    SymbolHandle symbol =
        mx_node("FullyConnected", "num_hidden=2;lr_mult=3", "fc", mx_variable("data"));
    symbol = mx_node("BatchNorm", "fix_gamma=False", "bn", symbol);
    return mx_node("SoftmaxOutput", "", "softmax", symbol);
}

static void expect_json(SymbolHandle symbol, const char *expected)
{
    char *json = mx_json(symbol);
    ck_assert_str_eq(json, expected);
    free(json);
}

START_TEST(what_is_written_is_what_mxnet_writes_and_reads_back_the_same)
{
    SymbolHandle symbol = make_classifier(), again = mx_symbol(classifier);
    expect_json(symbol, classifier);
    expect_json(again, classifier);
    MX(MXSymbolFree(symbol));
    MX(MXSymbolFree(again));
}
END_TEST

START_TEST(long_lists_of_entries_have_a_line_for_each)
{
    SymbolHandle inputs[11], sum = mx_atomic("add_n", "num_args=11");
    char name[8];
    for (int i = 0; i < 11; i++) {
        snprintf(name, sizeof name, "v%d", i);
        inputs[i] = mx_variable(name);
    }
    MX(MXSymbolCompose(sum, "sum", 11, NULL, inputs));
    char *json = mx_json(sum);
    ck_assert_ptr_nonnull(
        strstr(json, "\"inputs\": [\n        [0, 0, 0], \n        [1, 0, 0], \n"));
    ck_assert_ptr_nonnull(strstr(json, "        [10, 0, 0]\n      ]\n    }\n  ], \n"));
    ck_assert_ptr_nonnull(strstr(json, "\"arg_nodes\": [\n    0, \n    1, \n"));
    free(json);
    for (int i = 0; i < 11; i++)
        MX(MXSymbolFree(inputs[i]));
    MX(MXSymbolFree(sum));
}
END_TEST

START_TEST(names_of_any_characters_come_back)
{
    static const char name[] = "q\"\\\n\t\r/\x01\xC3\xA9";
    SymbolHandle symbol = mx_variable(name);
    char *json = mx_json(symbol);
    ck_assert_ptr_nonnull(strstr(json, "\"q\\\"\\\\\\n\\t\\r/"));
    ck_assert_ptr_nonnull(strstr(json, "\xC3\xA9\""));
    SymbolHandle again = mx_symbol(json);
    MX_LISTS(MXSymbolListOutputs, again, name);
    free(json);
    MX(MXSymbolFree(symbol));
    MX(MXSymbolFree(again));
}
END_TEST

/* Every access is checked under ThreadSanitizer, which makes it a hundred times slower. */
#if defined(__SANITIZE_THREAD__)
#define CHAIN 50000
#else
#define CHAIN 1000000
#endif

#define OLD_NODES(key)                                                                             \
    "{\"nodes\":[{\"op\":\"null\",\"name\":\"x\",\"inputs\":[]},"                                  \
    "{\"op\":\"null\",\"name\":\"g\",\"inputs\":[]},{\"op\":\"null\",\"name\":\"b\",\"inputs\":[]" \
    "},"                                                                                           \
    "{\"op\":\"BatchNorm\",\"name\":\"bn\",\"" key                                                 \
    "\":{\"eps\":\"0.01\",\"gamma_lr_mult\":\"4\",\"lr_mult\":\"5\",\"data_wd_mult\":\"7\"},"      \
    "\"inputs\":[[0,0],[1,0],[2,0]],\"backward_source_id\":-1},"                                   \
    "{\"op\":\"argmax\",\"name\":\"am\",\"" key "\":{\"axis\":\"-1\"},\"inputs\":[[3,0]]}],"       \
    "\"arg_nodes\":[0,1,2],\"heads\":[[4,0]]"

static const char *attribute_of(SymbolHandle internals, uint32_t output, const char *key)
{
    static char value[64];
    int success;
    const char *found;
    SymbolHandle entry;
    MX(MXSymbolGetOutput(internals, output, &entry));
    MX(MXSymbolGetAttr(entry, key, &found, &success));
    snprintf(value, sizeof value, "%s", success ? found : "none");
    MX(MXSymbolFree(entry));
    return value;
}

START_TEST(symbols_of_0_8_get_their_statistics_and_notes)
{
    SymbolHandle symbol = mx_symbol(OLD_NODES("param") "}"), internals;
    uint32_t count;
    const char **names;
    MX(NNSymbolListInputNames(symbol, 0, &count, &names));
    ck_assert_uint_eq(count, 5);
    ck_assert_str_eq(names[3], "bn_moving_mean");
    MX_LISTS(MXSymbolListArguments, symbol, "x g b");
    MX_LISTS(MXSymbolListAuxiliaryStates, symbol, "bn_moving_mean bn_moving_var");
    MX(MXSymbolGetInternals(symbol, &internals));
    ck_assert_str_eq(attribute_of(internals, 1, "__lr_mult__"), "4"); /* gamma's */
    ck_assert_str_eq(attribute_of(internals, 0, "__wd_mult__"), "7");
    ck_assert_str_eq(attribute_of(internals, 4, "__init__"), "[\"one\", {}]");
    ck_assert_str_eq(attribute_of(internals, 4, "eps"), "0.01");
    ck_assert_str_eq(attribute_of(internals, 5, "__lr_mult__"), "5");
    ck_assert_str_eq(attribute_of(internals, 5, "gamma_lr_mult"), "none");
    ck_assert_str_eq(attribute_of(internals, 6, "axis"), "none");
    MX(MXSymbolFree(symbol));
    MX(MXSymbolFree(internals));
}
END_TEST

START_TEST(later_versions_list_all_inputs_and_mean_their_axis)
{
    static const char json[] =
        "{\"nodes\":[{\"op\":\"null\",\"name\":\"x\",\"attr\":{\"lr_mult\":\"2\"},\"inputs\":[]},"
        "{\"op\":\"argmax\",\"name\":\"am\",\"attr\":{\"axis\":\"-1\"},\"inputs\":[[0,0,0]]}],"
        "\"arg_nodes\":[0],\"heads\":[[1,0,0]],\"attrs\":{\"mxnet_version\":[\"int\",%d]}}";
    static const int versions[] = {904, 905, 1100, 10200, 10900};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        char text[512];
        SymbolHandle internals;
        snprintf(text, sizeof text, json, versions[i]);
        SymbolHandle symbol = mx_symbol(text);
        MX(MXSymbolGetInternals(symbol, &internals));
        ck_assert_str_eq(attribute_of(internals, 1, "axis"), versions[i] < 905 ? "none" : "-1");
        ck_assert_str_eq(attribute_of(internals, 0, "__lr_mult__"), "2");
        MX(MXSymbolFree(symbol));
        MX(MXSymbolFree(internals));
    }
}
END_TEST

#define ONE_NODE(node, heads)                                                                      \
    "{\"nodes\":[{\"op\":\"null\",\"name\":\"x\",\"inputs\":[]}," node                             \
    "],\"arg_nodes\":[0],\"heads\":[" heads "],\"attrs\":{\"mxnet_version\":[\"int\",10901]}}"

START_TEST(hostile_texts_are_refused)
{
    static const struct {
        const char *json, *part;
    } texts[] = {
        {"", "json"},
        {"{", "json"},
        {"[]", "json"},
        {"{}", "nodes"},
        {"{\"nodes\":[],\"arg_nodes\":[],\"heads\":[]}", "nodes"},
        {ONE_NODE("{\"op\":\"nix\",\"name\":\"n\",\"inputs\":[[0,0,0]]}", "[1,0,0]"),
         "Failed loading Op n of type nix: Check failed: op != nullptr: Operator nix is not "
         "registered"},
        {ONE_NODE("{\"op\":\"clip\",\"name\":\"n\",\"attrs\":{\"foo\":\"1\"},\"inputs\":[[0,0,0]]}",
                  "[1,0,0]"),
         "Cannot find argument 'foo'"},
        {ONE_NODE("{\"op\":\"clip\",\"name\":\"n\",\"attrs\":{\"a_min\":\"1\",\"a_max\":\"u\"},"
                  "\"inputs\":[[0,0,0]]}",
                  "[1,0,0]"),
         "Failed loading Op n of type clip: "},
        {ONE_NODE("{\"op\":\"relu\",\"name\":\"n\",\"inputs\":[[1,0,0]]}", "[1,0,0]"),
         "depend on itself"},
        {ONE_NODE("{\"op\":\"relu\",\"name\":\"n\",\"inputs\":[[0,1,0]]}", "[1,0,0]"), "outputs"},
        {ONE_NODE("{\"op\":\"relu\",\"name\":\"n\",\"inputs\":[[0,0,0]]}", "[1,7,0]"), "outputs"},
        {ONE_NODE("{\"op\":\"relu\",\"name\":\"n\",\"inputs\":[[9,0,0]]}", "[1,0,0]"),
         "is not [node, output] of one of 2"},
        {ONE_NODE("{\"op\":\"relu\",\"name\":\"n\",\"inputs\":[[-1,0,0]]}", "[1,0,0]"),
         "is not [node, output] of one of 2"},
        {ONE_NODE("{\"op\":\"relu\",\"name\":\"n\",\"inputs\":3}", "[1,0,0]"), "inputs"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SymbolHandle symbol = (SymbolHandle)&texts[i];
        ck_assert_msg(MXSymbolCreateFromJSON(texts[i].json, &symbol) == -1, "%s", texts[i].json);
        ck_assert_msg(strstr(MXGetLastError(), texts[i].part) != NULL, "%s: %s", texts[i].json,
                      MXGetLastError());
        ck_assert_ptr_eq(symbol, (SymbolHandle)&texts[i]);
    }
}
END_TEST

START_TEST(every_cut_of_a_text_is_refused_or_whole)
{
    char text[sizeof classifier];
    for (size_t length = 0; length + 1 < sizeof classifier; length++) {
        SymbolHandle symbol;
        memcpy(text, classifier, length);
        text[length] = '\0';
        ck_assert_int_eq(MXSymbolCreateFromJSON(text, &symbol), -1);
    }
}
END_TEST

START_TEST(files_come_back_and_those_that_are_not_there_are_named)
{
    char path[] = "/tmp/mx_symbol_XXXXXX";
    SymbolHandle symbol = make_classifier(), again;
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    MX(MXSymbolSaveToFile(symbol, path));
    MX(MXSymbolCreateFromFile(path, &again));
    expect_json(again, classifier);
    remove(path);
    MX_FAILS(MXSymbolCreateFromFile(path, &again), path);
    MX_FAILS(MXSymbolSaveToFile(symbol, "/nowhere/at/all.json"), "/nowhere/at/all.json");
    MX_FAILS(MXSymbolCreateFromFile(NULL, &again), "fname is NULL");
    MX(MXSymbolFree(symbol));
    MX(MXSymbolFree(again));
}
END_TEST

/* A million nodes in a row: what walks them is a loop, or the stack is over. */
static SymbolHandle make_chain(int count)
{
    const size_t bytes = (size_t)count * 80 + 512;
    char *json = malloc(bytes);
    size_t length =
        (size_t)snprintf(json, bytes, "{\"nodes\":[{\"op\":\"null\",\"name\":\"x\",\"inputs\":[]}");
    for (int i = 1; i < count; i++)
        length +=
            (size_t)snprintf(json + length, bytes - length,
                             ",{\"op\":\"relu\",\"name\":\"r%d\",\"inputs\":[[%d,0,0]]}", i, i - 1);
    snprintf(json + length, bytes - length,
             "],\"arg_nodes\":[0],\"heads\":[[%d,0,0]],\"attrs\":{\"mxnet_version\":"
             "[\"int\",10901]}}",
             count - 1);
    SymbolHandle symbol = mx_symbol(json);
    free(json);
    return symbol;
}

START_TEST(a_million_nodes_in_a_row_are_no_problem)
{
    enum { COUNT = CHAIN };
    uint32_t outputs;
    SymbolHandle chain = make_chain(COUNT), copy, internals, value = mx_variable("y");
    MX_LISTS(MXSymbolListArguments, chain, "x");
    MX(MXSymbolCopy(chain, &copy));
    MX(MXSymbolGetInternals(copy, &internals));
    MX(MXSymbolGetNumOutputs(internals, &outputs));
    ck_assert_uint_eq(outputs, COUNT);
    MX(MXSymbolFree(internals));
    char *before = mx_json(chain), *after = mx_json(copy);
    ck_assert_str_eq(before, after);
    MX(MXSymbolCompose(copy, NULL, 1, (const char *[]){"x"}, &value));
    MX_LISTS(MXSymbolListArguments, copy, "y");
    MX_LEAVES(value, MXSymbolCompose(chain, NULL, 1, (const char *[]){"x"}, &chain), "itself");
    free(before);
    free(after);
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){chain, copy, value}[i]));
}
END_TEST

static bool is_symbol_file(const char *name)
{
    const size_t length = strlen(name);
    return length > 12 && strcmp(name + length - 12, "-symbol.json") == 0;
}

/* Loads, lists, writes and loads again. */
static void check_model(const char *path)
{
    char *json[2];
    uint32_t counts[2];
    const char **names;
    SymbolHandle symbols[2];
    MX(MXSymbolCreateFromFile(path, &symbols[0]));
    json[0] = mx_json(symbols[0]);
    symbols[1] = mx_symbol(json[0]);
    json[1] = mx_json(symbols[1]);
    ck_assert_str_eq(json[0], json[1]);
    for (int i = 0; i < 2; i++) {
        MX(NNSymbolListInputNames(symbols[i], 0, &counts[i], &names));
        ck_assert_uint_gt(counts[i], 1);
        MX(MXSymbolFree(symbols[i]));
        free(json[i]);
    }
    ck_assert_uint_eq(counts[0], counts[1]);
}

/* One folder of the data: how many symbols there were. */
static int check_folder(const char *folder)
{
    int count = 0;
    char path[1024];
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
        if (is_symbol_file(entry->d_name)) {
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            check_model(path);
            count++;
        }
    if (entries != NULL)
        closedir(entries);
    return count;
}

START_TEST(real_models_are_the_same_when_written_and_read)
{
    const char *root = find_data_folder();
    int count = 0;
    char path[512];
    if (root == NULL)
        return;
    DIR *folders = opendir(root);
    ck_assert_ptr_nonnull(folders);
    for (struct dirent *entry; (entry = readdir(folders)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", root, entry->d_name);
        count += check_folder(path);
    }
    closedir(folders);
    ck_assert_int_gt(count, 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS("mx_symbol_json", what_is_written_is_what_mxnet_writes_and_reads_back_the_same,
                     long_lists_of_entries_have_a_line_for_each, names_of_any_characters_come_back,
                     symbols_of_0_8_get_their_statistics_and_notes,
                     later_versions_list_all_inputs_and_mean_their_axis, hostile_texts_are_refused,
                     every_cut_of_a_text_is_refused_or_whole,
                     files_come_back_and_those_that_are_not_there_are_named,
                     a_million_nodes_in_a_row_are_no_problem,
                     real_models_are_the_same_when_written_and_read);
}
