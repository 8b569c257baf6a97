// SPDX-License-Identifier: Apache-2.0
/*
 * Every function that the headers declare, with each of its arguments wrong in turn: NULL, handles
 * of another kind or of nothing, numbers no array or device has, texts that mean nothing. The
 * functions come from a table made of the headers, so that a new one is called without anybody's
 * doing, and cannot be forgotten: the call with sound arguments has to succeed first.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <mxnet/c_api.h>
#include <mxnet/c_predict_api.h>
#include <nnvm/c_api.h>

#include "base/alloc.h"
#include "mxnet/base/mx_handles.h"
#include "mxnet/mx_client.h"
#include "mxnet/mx_stage.h"

#include "mx_functions.h"

#define FUNCTIONS (sizeof mx_functions / sizeof mx_functions[0])
#define OBJECTS   6

/* "function.parameter", the function by its beginning: where NULL means something. */
static const char *const may_be_null[] = {
    "NNAPISetLastError.msg",
    "MXFreeCachedOp.handle",
    "MXNDArrayFree.handle",
    "MXExecutorFree.handle",
    "MXPredFree.handle",
    "MXNDListFree.handle",
    "MXSymbolFree.symbol",
    "NNSymbolFree.symbol",
    "MXInvokeCachedOpEx.out_stypes",
    "MXImperativeInvokeEx.out_stypes",
    "MXSymbolInfer.keys",
    "MXNDArraySave.keys",
    "MXSymbolGetAtomicSymbolInfo.name",
    "MXSymbolGetAtomicSymbolInfo.description",
    "MXSymbolGetAtomicSymbolInfo.num_args",
    "MXSymbolGetAtomicSymbolInfo.arg_names",
    "MXSymbolGetAtomicSymbolInfo.arg_type_infos",
    "MXSymbolGetAtomicSymbolInfo.arg_descriptions",
    "MXSymbolGetAtomicSymbolInfo.key_var_num_args",
    "MXSymbolGetAtomicSymbolInfo.return_type",
    "NNGetOpInfo.real_name",
    "NNGetOpInfo.description",
    "NNGetOpInfo.num_doc_args",
    "NNGetOpInfo.arg_names",
    "NNGetOpInfo.arg_type_infos",
    "NNGetOpInfo.arg_descriptions",
    "NNGetOpInfo.return_type",
    "MXSymbolCompose.name",
    "MXSymbolCompose.keys",
    "NNSymbolCompose.name",
    "NNSymbolCompose.keys",
    "MXAutogradSetIs.prev",
    "MXExecutorSimpleBindEx.shared_buffer_len",
    "MXExecutorSimpleBindEx.updated_shared_buffer_name_list",
    "MXExecutorSimpleBindEx.updated_shared_buffer_handle_list",
};

static void *objects[OBJECTS];
static struct mx_object freed = {MX_KIND_FREED};
static uint64_t nothing[64]; /* no object at all */
static char long_text[6000];

/* What is wrong is told of all functions at once. */
static int note_count;

static void note(const char *format, const char *function, const char *text)
{
    fprintf(stderr, format, function, text);
    fprintf(stderr, "\n");
    note_count++;
}

static void set_up(void)
{
    stage_begin();
    for (int i = 0; i < OBJECTS; i++)
        objects[i] = stage_object(i);
    memset(nothing, 0x5a, sizeof nothing);
    memset(long_text, 'x', sizeof long_text - 1);
}

static void tear_down(void)
{
    for (int i = 0; i < OBJECTS; i++)
        stage_free(objects[i]);
    stage_end();
}

static bool may_be(const struct stage *stage, int i)
{
    char name[128];
    for (size_t k = 0; k < sizeof may_be_null / sizeof may_be_null[0]; k++) {
        const char *dot = strchr(may_be_null[k], '.');
        snprintf(name, sizeof name, "%.*s", (int)(dot - may_be_null[k]), may_be_null[k]);
        if (strncmp(stage->function->name, name, strlen(name)) == 0 &&
            strcmp(stage->function->parameters[i].name, dot + 1) == 0)
            return true;
    }
    return false;
}

/* Handles that a failed call must not have given out. */
static void expect_untouched(const struct stage *stage, const char *what)
{
    for (int i = 0; i < stage->function->count; i++) {
        const struct mx_parameter *parameter = &stage->function->parameters[i];
        if (stage->uses[i] == USE_ROOM && strstr(parameter->type, "Handle *") != NULL)
            ck_assert_msg(stage->lists[i].pointers[0] == NULL, "%s(%s) failed and wrote %s",
                          stage->function->name, what, parameter->name);
    }
}

static int call(struct stage *stage, const char *what)
{
    int previous;
    mx_forget_last_error();
    const int result = stage->function->call(stage->arguments);
    ck_assert_msg(result == 0 || result == -1, "%s(%s) is %d", stage->function->name, what, result);
    if (result != 0) {
        ck_assert_msg(MXGetLastError()[0] != '\0', "%s(%s) fails without a text",
                      stage->function->name, what);
        expect_untouched(stage, what);
    }
    (void)MXSetIsNumpyShape(0, &previous);
    return result;
}

/* One wrong value of an argument; `*must_fail`: it has no meaning. False: there are no more. */
static bool spoil_handle(struct stage *stage, int i, int way, bool *must_fail)
{
    const void *own = stage->arguments[i].pointer;
    *must_fail = true;
    if (way == 0)
        stage->arguments[i].pointer = NULL;
    else if (way == 1)
        stage->arguments[i].pointer = &freed;
    else if (way == 2)
        stage->arguments[i].pointer = nothing;
    else if (way < 3 + OBJECTS)
        stage->arguments[i].pointer = objects[way - 3];
    else
        return false;
    if (way >= 3 && stage->uses[i] == USE_HANDLE && own != NULL &&
        ((const struct mx_object *)own)->kind == ((struct mx_object *)objects[way - 3])->kind)
        stage->arguments[i].pointer = &freed; /* the right kind is no mistake */
    return true;
}

static bool spoil_handles(struct stage *stage, int i, int way, bool *must_fail)
{
    void *const own = stage->lists[i].pointers[0];
    *must_fail = own != NULL;
    if (way == 0)
        stage->arguments[i].pointer = NULL;
    else if (way == 1)
        stage->lists[i].pointers[0] = NULL;
    else if (way == 2)
        stage->lists[i].pointers[0] = &freed;
    else if (way == 3)
        stage->lists[i].pointers[0] = nothing;
    else if (way < 4 + OBJECTS)
        stage->lists[i].pointers[0] = objects[way - 4];
    else
        return false;
    if (way >= 4 && own != NULL &&
        ((struct mx_object *)own)->kind == ((struct mx_object *)objects[way - 4])->kind)
        stage->lists[i].pointers[0] = NULL;
    return true;
}

static const char *const texts[] = {"", "nonsense", long_text, "\xff\xfe%s%n", "-1", "{", "(2, 3"};
#define TEXTS ((int)(sizeof texts / sizeof texts[0]))

static bool spoil_text(struct stage *stage, int i, int way, bool *must_fail)
{
    const bool is_list = stage->uses[i] == USE_TEXTS;
    *must_fail = way == 0 || (is_list && way == TEXTS + 1);
    if (way > TEXTS + (is_list ? 1 : 0))
        return false;
    if (way == 0)
        stage->arguments[i].pointer = NULL;
    else if (is_list)
        stage->lists[i].pointers[0] = way <= TEXTS ? (void *)(uintptr_t)texts[way - 1] : NULL;
    else
        stage->arguments[i].pointer = (void *)(uintptr_t)texts[way - 1];
    return true;
}

static bool spoil_numbers(struct stage *stage, int i, int way, bool *must_fail)
{
    static const int64_t pairs[][2] = {{-1, -1},        {INT_MAX, INT_MAX}, {5, 0},
                                       {0, 0},          {0, INT_MAX},       {0, 9},
                                       {INT_MIN, 3},    {-2, -3},           {INT64_MAX, INT64_MAX},
                                       {INT64_MIN, -1}, {1000000, 1000000}, {1, 1}};
    const char *type = stage->function->parameters[i].type;
    const bool is_wide = strstr(type, "int64_t") != NULL || strstr(type, "dim_t") != NULL;
    *must_fail = way == 0;
    if (way == 0) {
        stage->arguments[i].pointer = NULL;
        return true;
    }
    if (way > (int)(sizeof pairs / sizeof pairs[0]))
        return false;
    for (int k = 0; k < 2; k++)
        if (is_wide)
            stage->lists[i].wide[k] = pairs[way - 1][k];
        else
            stage->lists[i].numbers[k] = (int)pairs[way - 1][k];
    return true;
}

static bool spoil_number(struct stage *stage, int i, int way)
{
    static const int64_t numbers[] = {0,       1,          2,         3,         5,        13,
                                      -1,      -2,         INT_MIN,   INT_MAX,   UINT_MAX, 1000000,
                                      INT_MIN, UINT32_MAX, INT64_MAX, INT64_MIN, 1 << 16,  6};
    static const int64_t counts[] = {0, 1, 2, 3, 4, 8, 9, 40, -1, INT_MIN};
    const char *type = stage->function->parameters[i].type;
    const bool is_signed = strstr(type, "int") == type || strcmp(type, "const int") == 0;
    if (stage->uses[i] == USE_SIZE) {
        stage->arguments[i].number -= way + 1;
        return stage->arguments[i].number >= (is_signed ? -1 : 0);
    }
    if (stage->uses[i] == USE_NUMBER && way < (int)(sizeof numbers / sizeof numbers[0])) {
        stage->arguments[i].number = numbers[way];
        return true;
    }
    if (stage->uses[i] != USE_COUNT || way >= (is_signed ? 10 : 8))
        return false;
    stage->arguments[i].number = counts[way];
    return true;
}

static bool spoil(struct stage *stage, int i, int way, bool *must_fail)
{
    const char *type = stage->function->parameters[i].type;
    *must_fail = false;
    switch (stage->uses[i]) {
    case USE_HANDLE:
    case USE_OPERATOR:
        return spoil_handle(stage, i, way, must_fail);
    case USE_HANDLES:
        return spoil_handles(stage, i, way, must_fail);
    case USE_TEXT:
    case USE_TEXTS:
        return spoil_text(stage, i, way, must_fail);
    case USE_NUMBERS:
        return spoil_numbers(stage, i, way, must_fail);
    case USE_ROOM:
    case USE_BYTES:
        *must_fail = true;
        stage->arguments[i].pointer = NULL;
        return way == 0;
    case USE_NOTHING: /* where NULL is the usual value, an object may be wanted */
        if (strchr(type, '*') != NULL || strstr(type, "Handle") == NULL || way > 1)
            return false;
        stage->arguments[i].pointer = way == 0 ? objects[0] : (void *)&freed;
        *must_fail = true;
        return true;
    default:
        return spoil_number(stage, i, way);
    }
}

static void try_function(const struct mx_function *function, int *supported)
{
    struct stage stage;
    stage_set(&stage, function);
    const int sound = call(&stage, "sound arguments");
    *supported += sound == 0;
    if (sound != 0 && strstr(MXGetLastError(), "not supported") == NULL &&
        strcmp(function->name, "MXGenBackendSubgraph") != 0) /* there are no backends */
        note("%s with sound arguments: %s", function->name, MXGetLastError());
    stage_clear(&stage, sound);
    for (int i = 0; i < function->count; i++)
        for (int way = 0;; way++) {
            char what[128];
            bool must_fail;
            stage_set(&stage, function);
            const bool is_one = spoil(&stage, i, way, &must_fail);
            snprintf(what, sizeof what, "%s, way %d", function->parameters[i].name, way);
            const int result = is_one ? call(&stage, what) : -1;
            if (is_one && must_fail && result == 0 && !may_be(&stage, i))
                note("%s(%s) succeeds", function->name, what);
            stage_clear(&stage, result);
            if (!is_one)
                break;
        }
}

START_TEST(no_function_takes_a_wrong_argument_and_none_crashes)
{
    int supported = 0;
    for (size_t i = 0; i < FUNCTIONS; i++)
        try_function(&mx_functions[i], &supported);
    ck_assert_int_eq(note_count, 0);
    ck_assert_int_ge(supported, 130);
}
END_TEST

START_TEST(wrong_arguments_leave_no_memory_behind)
{
    int supported = 0;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        try_function(&mx_functions[i], &supported); /* what stays with the thread is there */
        const size_t before = cop_alloc_counters().live_bytes;
        try_function(&mx_functions[i], &supported);
        ck_assert_msg(cop_alloc_counters().live_bytes <= before, "%s keeps %zu bytes",
                      mx_functions[i].name, cop_alloc_counters().live_bytes - before);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_wrong_values", set_up, tear_down,
                          no_function_takes_a_wrong_argument_and_none_crashes,
                          wrong_arguments_leave_no_memory_behind);
}
