// SPDX-License-Identifier: Apache-2.0
#include "mxnet/mx_stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mxnet/c_api.h>
#include <mxnet/c_predict_api.h>
#include <nnvm/c_api.h>

#include "mxnet/base/mx_handles.h"
#include "mxnet/mx_client.h"

static char folder[64];
static char paths[4][96]; /* a symbol, parameters, a target, a record */
static char *parameters, *record;
static size_t parameter_bytes, record_bytes;
static const float elements[64] = {1, 2, 3, 4, 5, 6};

static char *copy_bytes(const void *bytes, size_t size)
{
    char *copy = malloc(size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static char *read_file(const char *path, size_t *size)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    *size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return copy_bytes(bytes, *size);
}

void stage_begin(void)
{
    static const char *const names[] = {"symbol.json", "a.params", "target", "none"};
    const char *keys[] = {"arg:fc_weight", "arg:fc_bias"}, *bytes;
    strcpy(folder, "/tmp/mx_stage_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0); /* names that mean nothing are names of files, too */
    for (int i = 0; i < 4; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    NDArrayHandle arrays[] = {mx_ramp_2(2, 3, 1, 1), mx_ramp_1(2, 10, 1)};
    write_file(paths[0], MX_DENSE_JSON, strlen(MX_DENSE_JSON));
    MX(MXNDArraySave(paths[1], 2, arrays, keys));
    parameters = read_file(paths[1], &parameter_bytes);
    MX(MXNDArraySaveRawBytes(arrays[0], &record_bytes, &bytes));
    record = copy_bytes(bytes, record_bytes);
    MX(MXNDArrayFree(arrays[0]));
    MX(MXNDArrayFree(arrays[1]));
}

void stage_end(void)
{
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        unlink(entry->d_name); /* it is the current folder */
    closedir(listing);
    ck_assert_int_eq(rmdir(folder), 0);
    free(parameters);
    free(record);
}

static void *make_array(int index)
{
    return index == 2 ? mx_ramp_1(2, 10, 1) : mx_ramp_2(2, 3, (float)index, 1);
}

static void *make_operator(const char *name)
{
    OpHandle op;
    MX(NNGetOpHandle(name, &op));
    return op;
}

static void *make_atomic(void)
{
    SymbolHandle symbol;
    const char *key = "num_hidden", *value = "2";
    MX(MXSymbolCreateAtomicSymbol(make_operator("FullyConnected"), 1, &key, &value, &symbol));
    return symbol;
}

static void *make_op(void)
{
    CachedOpHandle op;
    SymbolHandle symbol = mx_symbol(MX_DENSE_JSON);
    MX(MXCreateCachedOpEX(symbol, 0, NULL, NULL, &op, true));
    MX(MXSymbolFree(symbol));
    return op;
}

static void *make_executor(void)
{
    ExecutorHandle executor;
    SymbolHandle symbol = mx_symbol(MX_DENSE_JSON);
    NDArrayHandle arrays[] = {make_array(0), make_array(1), make_array(2)};
    MX(MXExecutorBind(symbol, 1, 0, 3, arrays, NULL, NULL, 0, NULL, &executor));
    MX(MXSymbolFree(symbol));
    for (int i = 0; i < 3; i++)
        MX(MXNDArrayFree(arrays[i]));
    return executor;
}

static void *make_predictor(void)
{
    PredictorHandle predictor;
    const char *key = "data";
    MX(MXPredCreate(MX_DENSE_JSON, parameters, (int)parameter_bytes, 1, 0, 1, &key,
                    (const uint32_t[]){0, 2}, (const uint32_t[]){2, 3}, &predictor));
    return predictor;
}

static void *make_list(void)
{
    NDListHandle list;
    uint32_t length;
    MX(MXNDListCreate(parameters, (int)parameter_bytes, &list, &length));
    return list;
}

void *stage_object(int index)
{
    switch (index) {
    case 0:
        return make_array(0);
    case 1:
        return mx_symbol(MX_DENSE_JSON);
    case 2:
        return make_op();
    case 3:
        return make_executor();
    case 4:
        return make_predictor();
    case 5:
        return make_list();
    default:
        return NULL;
    }
}

void stage_free(void *object)
{
    switch (((struct mx_object *)object)->kind) {
    case MX_KIND_ARRAY:
        MX(MXNDArrayFree(object));
        return;
    case MX_KIND_SYMBOL:
        MX(MXSymbolFree(object));
        return;
    case MX_KIND_CACHED_OP:
        MX(MXFreeCachedOp(object));
        return;
    case MX_KIND_EXECUTOR:
        MX(MXExecutorFree(object));
        return;
    case MX_KIND_PREDICTOR:
        MX(MXPredFree(object));
        return;
    case MX_KIND_ARRAY_LIST:
        MX(MXNDListFree(object));
        return;
    case MX_KIND_FREED:
        break;
    }
    ck_abort_msg("not an object");
}

/* What a parameter of a name is, in functions that begin with a text (NULL: all); the first line
 * that fits counts. */
static const struct rule {
    const char *function, *name;
    enum stage_use use;
    int64_t number;
    const char *texts[2];
    int64_t numbers[2];
} rules[] = {
    {"MXNDArrayReshape", "ndim", USE_COUNT, 2, {NULL}, {0}},
    {NULL, "ndim", USE_COUNT, 2, {NULL}, {0}},
    {NULL, "shape", USE_NUMBERS, 0, {NULL}, {2, 3}},
    {NULL, "dims", USE_NUMBERS, 0, {NULL}, {3, 2}},
    {NULL, "dev_type", USE_NUMBER, 1, {NULL}, {0}},
    {NULL, "i", USE_NUMBER, -1, {NULL}, {0}},
    {NULL, "slice_end", USE_NUMBER, 1, {NULL}, {0}},
    {NULL, "thread_num", USE_NUMBER, 1, {NULL}, {0}},
    {"MXNDArrayLoadFromBuffer", "size", USE_SIZE, -1, {NULL}, {0}},
    {"MXNDArrayLoadFromRawBytes", "size", USE_SIZE, -2, {NULL}, {0}},
    {NULL, "ndarray_buffer", USE_BYTES, -1, {NULL}, {0}},
    {NULL, "nd_file_bytes", USE_BYTES, -1, {NULL}, {0}},
    {NULL, "param_bytes", USE_BYTES, -1, {NULL}, {0}},
    {NULL, "nd_file_size", USE_SIZE, -1, {NULL}, {0}},
    {NULL, "param_size", USE_SIZE, -1, {NULL}, {0}},
    {NULL, "buf", USE_BYTES, -2, {NULL}, {0}},
    {"MXPredGetOutput", "size", USE_NUMBER, 4, {NULL}, {0}},
    {NULL, "size", USE_NUMBER, 6, {NULL}, {0}},
    {"MXPredGetOutput", "data", USE_ROOM, 0, {NULL}, {0}},
    {"MXNDArraySyncCopyToCPU", "data", USE_ROOM, 0, {NULL}, {0}},
    {NULL, "data", USE_BYTES, -3, {NULL}, {0}},
    {NULL, "num_flags", USE_COUNT, 1, {NULL}, {0}},
    {"MXCreateCachedOp", "keys", USE_TEXTS, 0, {"static_alloc"}, {0}},
    {"MXCreateCachedOp", "vals", USE_TEXTS, 0, {"true"}, {0}},
    {NULL, "num_inputs", USE_COUNT, 3, {NULL}, {0}},
    {"MXSymbolGetInputSymbols", "inputs", USE_ROOM, 0, {NULL}, {0}},
    {NULL, "inputs", USE_HANDLES, 3, {NULL}, {0}},
    {NULL, "num_params", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "num_param", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "param_keys", USE_TEXTS, 0, {"num_hidden"}, {0}},
    {NULL, "param_vals", USE_TEXTS, 0, {"2"}, {0}},
    {"MXSymbolCreateAtomicSymbol", "keys", USE_TEXTS, 0, {"num_hidden"}, {0}},
    {NULL, "values", USE_TEXTS, 0, {"2"}, {0}},
    {"MXSymbolCreateAtomicSymbol", "vals", USE_TEXTS, 0, {"2"}, {0}},
    {"NNSymbolCreateAtomicSymbol", "keys", USE_TEXTS, 0, {"num_hidden"}, {0}},
    {"NNSymbolCreateAtomicSymbol", "vals", USE_TEXTS, 0, {"2"}, {0}},
    {"NNSymbolSetAttrs", "keys", USE_TEXTS, 0, {"__k__"}, {0}},
    {"MXSymbolSetAttr", "key", USE_TEXT, 0, {"__k__"}, {0}},
    {"MXNDArraySave", "keys", USE_TEXTS, 0, {"a"}, {0}},
    {"MXNDArraySave", "fname", USE_TEXT, 2, {NULL}, {0}},
    {"MXNDArrayLoad", "fname", USE_TEXT, 1, {NULL}, {0}},
    {"MXSymbolSaveToFile", "fname", USE_TEXT, 2, {NULL}, {0}},
    {"MXSymbolCreateFromFile", "fname", USE_TEXT, 0, {NULL}, {0}},
    {"MXNDArraySave", "args", USE_HANDLES, 1, {NULL}, {0}},
    {NULL, "args", USE_HANDLES, -1, {NULL}, {0}}, /* symbols */
    {NULL, "symbols", USE_HANDLES, -2, {NULL}, {0}},
    {NULL, "num_symbols", USE_COUNT, 2, {NULL}, {0}},
    {"MXExecutorBind", "len", USE_COUNT, 3, {NULL}, {0}},
    {"MXExecutorBind", "in_args", USE_HANDLES, 3, {NULL}, {0}},
    {"MXExecutorBind", "aux_states", USE_HANDLES, 0, {NULL}, {0}},
    {NULL, "arg_grad_store", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "grad_req_type", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "shared_buffer_len", USE_NUMBERS, 0, {NULL}, {-1, 0}},
    {"MXExecutorSimpleBindEx", "shared_exec_handle", USE_NOTHING, 0, {NULL}, {0}},
    {"MXExecutorBindEX", "shared_exec", USE_NOTHING, 0, {NULL}, {0}},
    {"MXExecutorSimpleBindEx", "provided_grad_req_list_len", USE_COUNT, 0, {NULL}, {0}},
    {NULL, "provided_grad_req_names", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "provided_grad_req_types", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "num_provided_arg_shapes", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "provided_arg_shape_names", USE_TEXTS, 0, {"data"}, {0}},
    {NULL, "provided_arg_shape_data", USE_NUMBERS, 0, {NULL}, {2, 3}},
    {NULL, "provided_arg_shape_idx", USE_NUMBERS, 0, {NULL}, {0, 2}},
    {NULL, "num_provided_arg_dtypes", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "provided_arg_dtype_names", USE_TEXTS, 0, {"data"}, {0}},
    {NULL, "provided_arg_dtypes", USE_NUMBERS, 0, {NULL}, {0}},
    {NULL, "num_provided_arg_stypes", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "provided_arg_stype_names", USE_TEXTS, 0, {"data"}, {0}},
    {NULL, "provided_arg_stypes", USE_NUMBERS, 0, {NULL}, {0}},
    {NULL, "num_args", USE_COUNT, 1, {NULL}, {0}},
    {"MXSymbolInfer", "keys", USE_TEXTS, 0, {"data"}, {0}},
    {NULL, "arg_ind_ptr", USE_NUMBERS, 0, {NULL}, {0, 2}},
    {NULL, "arg_shape_data", USE_NUMBERS, 0, {NULL}, {2, 3}},
    {NULL, "arg_type_data", USE_NUMBERS, 0, {NULL}, {0}},
    {"MXSymbolCompose", "keys", USE_TEXTS, 0, {"data"}, {0}},
    {"NNSymbolCompose", "keys", USE_TEXTS, 0, {"data"}, {0}},
    {NULL, "symbol_json_str", USE_TEXT, -1, {NULL}, {0}},
    {NULL, "json", USE_TEXT, -1, {NULL}, {0}},
    {NULL, "num_input_nodes", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "input_keys", USE_TEXTS, 0, {"data"}, {0}},
    {NULL, "input_shape_indptr", USE_NUMBERS, 0, {NULL}, {0, 2}},
    {NULL, "input_shape_data", USE_NUMBERS, 0, {NULL}, {2, 3}},
    {NULL, "num_output_nodes", USE_COUNT, 1, {NULL}, {0}},
    {NULL, "output_keys", USE_TEXTS, 0, {"fc"}, {0}},
    {NULL, "num_threads", USE_COUNT, 2, {NULL}, {0}},
    {NULL, "op_name", USE_TEXT, 0, {"FullyConnected"}, {0}},
    {"MXSymbolCreateVariable", "name", USE_TEXT, 0, {"x"}, {0}},
    {"NNSymbolCreateVariable", "name", USE_TEXT, 0, {"x"}, {0}},
    {"MXSymbolCompose", "name", USE_TEXT, 0, {"fc"}, {0}},
    {"NNSymbolCompose", "name", USE_TEXT, 0, {"fc"}, {0}},
    {NULL, "key", USE_TEXT, 0, {"data"}, {0}},
    {NULL, "value", USE_TEXT, 0, {"v"}, {0}},
    {NULL, "backend", USE_TEXT, 0, {"none"}, {0}},
    {NULL, "msg", USE_TEXT, 0, {"a text"}, {0}},
    {NULL, "map_keys", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "map_dev_types", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "map_dev_ids", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "g2c_keys", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "g2c_dev_types", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "g2c_dev_ids", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "num_map_keys", USE_COUNT, 0, {NULL}, {0}},
    {NULL, "num_g2c_keys", USE_COUNT, 0, {NULL}, {0}},
    {NULL, "num_shared_arg_names", USE_COUNT, 0, {NULL}, {0}},
    {NULL, "shared_arg_name_list", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "shared_buffer_name_list", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "shared_buffer_handle_list", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "aux_states_len", USE_COUNT, 0, {NULL}, {0}},
    {NULL, "callback", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "callback_handle", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "updater", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "str_updater", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "controller", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "updater_handle", USE_NOTHING, 0, {NULL}, {0}},
    {NULL, "controller_handle", USE_NOTHING, 0, {NULL}, {0}},
};

static bool is_number(enum stage_use use)
{
    return use == USE_NUMBER || use == USE_COUNT || use == USE_SIZE;
}

static const struct rule *find_rule(const char *function, const struct mx_parameter *parameter)
{
    const bool is_list = strstr(parameter->type, "Handle **") != NULL;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && !is_list; i++)
        if (strcmp(rules[i].name, parameter->name) == 0 &&
            parameter->is_pointer == !is_number(rules[i].use) &&
            (rules[i].function == NULL ||
             strncmp(function, rules[i].function, strlen(rules[i].function)) == 0))
            return &rules[i];
    return NULL;
}

static void *keep(struct stage *stage, void *object)
{
    ck_assert_int_lt(stage->made_count, STAGE_LIST);
    return stage->made[stage->made_count++] = object;
}

/* By its type, where the name says nothing. */
static void set_by_type(struct stage *stage, int i)
{
    const struct mx_parameter *parameter = &stage->function->parameters[i];
    const char *function = stage->function->name, *type = parameter->type;
    union mx_argument *argument = &stage->arguments[i];
    stage->uses[i] = parameter->is_pointer ? USE_ROOM : USE_NUMBER;
    if (!parameter->is_pointer)
        return;
    argument->pointer = &stage->lists[i];
    if (strchr(type, '*') != NULL)
        return;
    stage->uses[i] = USE_HANDLE;
    if (strcmp(function, "MXCachedOpRegisterOpHook") == 0)
        argument->pointer = keep(stage, make_op());
    else if (strstr(type, "NDArrayHandle") != NULL)
        argument->pointer = keep(stage, make_array(0));
    else if (strstr(function, "SymbolCompose") != NULL)
        argument->pointer = keep(stage, make_atomic());
    else if (strstr(type, "SymbolHandle") != NULL)
        argument->pointer = keep(stage, mx_symbol(MX_DENSE_JSON));
    else if (strcmp(type, "CachedOpHandle") == 0)
        argument->pointer = keep(stage, make_op());
    else if (strcmp(type, "ExecutorHandle") == 0)
        argument->pointer = keep(stage, make_executor());
    else if (strcmp(type, "PredictorHandle") == 0)
        argument->pointer = keep(stage, make_predictor());
    else if (strcmp(type, "NDListHandle") == 0)
        argument->pointer = keep(stage, make_list());
    else if (strcmp(type, "OpHandle") == 0 || strcmp(type, "AtomicSymbolCreator") == 0) {
        stage->uses[i] = USE_OPERATOR;
        argument->pointer = make_operator("FullyConnected");
    } else { /* of a data iterator or a key-value store: there are none */
        stage->uses[i] = USE_NOTHING;
        argument->pointer = NULL;
    }
}

static void set_handles(struct stage *stage, int i, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        stage->lists[i].pointers[k] = keep(stage, make_array((int)k));
    for (int64_t k = 0; k > count; k--)
        stage->lists[i].pointers[-k] = keep(stage, mx_symbol(MX_DENSE_JSON));
}

static void set_numbers(struct stage *stage, int i, const int64_t *numbers)
{
    const char *type = stage->function->parameters[i].type;
    const bool is_wide = strstr(type, "int64_t") != NULL || strstr(type, "dim_t") != NULL;
    for (int k = 0; k < 2; k++)
        if (is_wide)
            stage->lists[i].wide[k] = numbers[k];
        else
            stage->lists[i].numbers[k] = (int)numbers[k];
}

static void set_by_rule(struct stage *stage, int i, const struct rule *rule)
{
    union mx_argument *argument = &stage->arguments[i];
    stage->uses[i] = rule->use;
    argument->pointer = &stage->lists[i];
    switch (rule->use) {
    case USE_NUMBER:
    case USE_COUNT:
        argument->number = rule->number;
        break;
    case USE_SIZE:
        argument->number = (int64_t)(rule->number == -1 ? parameter_bytes : record_bytes);
        break;
    case USE_BYTES:
        argument->pointer = rule->number == -1   ? parameters
                            : rule->number == -2 ? record
                                                 : (void *)(uintptr_t)elements;
        break;
    case USE_TEXT:
        argument->pointer = rule->texts[0] != NULL ? (void *)(uintptr_t)rule->texts[0]
                            : rule->number == -1   ? (void *)(uintptr_t)MX_DENSE_JSON
                                                   : paths[rule->number];
        break;
    case USE_TEXTS:
        stage->lists[i].pointers[0] = (void *)(uintptr_t)rule->texts[0];
        break;
    case USE_NUMBERS:
        set_numbers(stage, i, rule->numbers);
        break;
    case USE_HANDLES:
        set_handles(stage, i, rule->number);
        break;
    case USE_NOTHING:
        argument->pointer = NULL;
        break;
    default:
        break;
    }
}

void stage_set(struct stage *stage, const struct mx_function *function)
{
    memset(stage, 0, sizeof *stage);
    stage->function = function;
    for (int i = 0; i < function->count; i++) {
        const struct rule *rule = find_rule(function->name, &function->parameters[i]);
        if (rule == NULL)
            set_by_type(stage, i);
        else
            set_by_rule(stage, i, rule);
    }
}

int stage_find(const struct stage *stage, const char *name)
{
    for (int i = 0; i < stage->function->count; i++)
        if (strcmp(stage->function->parameters[i].name, name) == 0)
            return i;
    return -1;
}

static int count_of(const struct stage *stage, const char *list)
{
    static const char *const counts[][2] = {
        {"outputs", "num_outputs"}, {"out", "out_size"},          {"out_arr", "out_size"},
        {"in_args", "num_in_args"}, {"arg_grads", "num_in_args"}, {"aux_states", "num_aux_states"},
        {"inputs", "input_size"},   {"out_sym_array", "out_size"}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (strcmp(counts[i][0], list) == 0) {
            const int at = stage_find(stage, counts[i][1]);
            ck_assert_int_ge(at, 0);
            return stage->lists[at].numbers[0];
        }
    return 0;
}

/* Objects that the function gave out. */
static void free_results(struct stage *stage, int i)
{
    const struct mx_parameter *parameter = &stage->function->parameters[i];
    if (stage->uses[i] != USE_ROOM || strstr(parameter->type, "OpHandle") == parameter->type ||
        strstr(parameter->type, "Iter") != NULL || strstr(parameter->type, "Handle *") == NULL)
        return;
    void **results = stage->lists[i].pointers;
    int count = 2; /* MXPredCreateMultiThread's */
    if (strstr(parameter->type, "Handle **") != NULL) {
        results = stage->lists[i].pointers[0];
        count = results == NULL ? 0 : count_of(stage, parameter->name);
    } else if (stage_find(stage, "num_threads") >= 0) {
        count = STAGE_LIST;
    }
    for (int k = 0; k < count; k++)
        if (results[k] != NULL)
            stage_free(results[k]);
}

void stage_clear(struct stage *stage, int result)
{
    const char *name = stage->function->name;
    const size_t length = strlen(name);
    const bool is_free =
        strcmp(name + length - 4, "Free") == 0 || strcmp(name, "MXFreeCachedOp") == 0;
    for (int i = 0; i < stage->function->count && result == 0; i++)
        free_results(stage, i);
    for (int i = 0; i < stage->made_count; i++) {
        const bool is_gone =
            is_free && result == 0 && stage->arguments[0].pointer == stage->made[i];
        if (!is_gone)
            stage_free(stage->made[i]);
    }
}
