// SPDX-License-Identifier: Apache-2.0
/* A header-only C++ library over MXNet's C API, as MXNet's own cpp-package is one: everything that
 * one names is there, and what inference needs of it does what it should. */
#include "mxnet/clients/wrap_executor.hpp"
#include "mxnet/clients/wrap_operator.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>

#include <check.h>
#include <unistd.h>

using namespace client;

/* The call throws, and says at least this. */
#define FAILS_WITH(text, ...)                                                                      \
    do {                                                                                           \
        bool has_failed = false;                                                                   \
        std::string message;                                                                       \
        try {                                                                                      \
            __VA_ARGS__;                                                                           \
        } catch (const Failure &failure) {                                                         \
            has_failed = true;                                                                     \
            message = failure.what();                                                              \
        }                                                                                          \
        ck_assert_msg(has_failed, "nothing failed");                                               \
        ck_assert_msg(!message.empty() && message.find(text) != std::string::npos, "%s",           \
                      message.c_str());                                                            \
    } while (0)

static void expect_close(const std::vector<float> &got, const std::vector<float> &expected)
{
    ck_assert_uint_eq(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); i++)
        ck_assert_msg(std::fabs(got[i] - expected[i]) <= 1e-5f + 1e-4f * std::fabs(expected[i]),
                      "%zu: %g instead of %g", i, got[i], expected[i]);
}

static std::vector<float> make_values(size_t count, float first, float step)
{
    std::vector<float> values(count);
    for (size_t i = 0; i < count; i++)
        values[i] = first + step * static_cast<float>(i % 17);
    return values;
}

/* A file that is gone when the object is. */
struct TemporaryFile {
    std::string path;
    TemporaryFile()
    {
        char name[] = "/tmp/mxnet-client-XXXXXX";
        const int file = mkstemp(name);
        ck_assert_int_ge(file, 0);
        close(file);
        path = name;
    }
    ~TemporaryFile()
    {
        std::remove(path.c_str());
    }
    std::string read() const
    {
        std::ifstream file(path, std::ios::binary);
        std::ostringstream bytes;
        bytes << file.rdbuf();
        return bytes.str();
    }
};

/* --- Everything that cpp-package names --- */

#define FUNCTION(name)                                                                             \
    {                                                                                              \
#name, reinterpret_cast < void *>(&name)                                                   \
    }

static const struct {
    const char *name;
    void *address;
} functions[] = {
    FUNCTION(MXDataIterBeforeFirst),
    FUNCTION(MXDataIterCreateIter),
    FUNCTION(MXDataIterFree),
    FUNCTION(MXDataIterGetData),
    FUNCTION(MXDataIterGetIndex),
    FUNCTION(MXDataIterGetIterInfo),
    FUNCTION(MXDataIterGetLabel),
    FUNCTION(MXDataIterGetPadNum),
    FUNCTION(MXDataIterNext),
    FUNCTION(MXExecutorBackward),
    FUNCTION(MXExecutorBindEX),
    FUNCTION(MXExecutorForward),
    FUNCTION(MXExecutorFree),
    FUNCTION(MXExecutorOutputs),
    FUNCTION(MXExecutorPrint),
    FUNCTION(MXExecutorSetMonitorCallbackEX),
    FUNCTION(MXGenBackendSubgraph),
    FUNCTION(MXGetLastError),
    FUNCTION(MXImperativeInvoke),
    FUNCTION(MXKVStoreBarrier),
    FUNCTION(MXKVStoreCreate),
    FUNCTION(MXKVStoreGetGroupSize),
    FUNCTION(MXKVStoreGetRank),
    FUNCTION(MXKVStoreGetType),
    FUNCTION(MXKVStoreInit),
    FUNCTION(MXKVStoreInitEx),
    FUNCTION(MXKVStoreIsSchedulerNode),
    FUNCTION(MXKVStoreIsServerNode),
    FUNCTION(MXKVStoreIsWorkerNode),
    FUNCTION(MXKVStorePull),
    FUNCTION(MXKVStorePullEx),
    FUNCTION(MXKVStorePush),
    FUNCTION(MXKVStorePushEx),
    FUNCTION(MXKVStoreRunServer),
    FUNCTION(MXKVStoreSendCommmandToServers),
    FUNCTION(MXKVStoreSetUpdater),
    FUNCTION(MXListDataIters),
    FUNCTION(MXNDArrayCreate),
    FUNCTION(MXNDArrayCreateEx),
    FUNCTION(MXNDArrayCreateNone),
    FUNCTION(MXNDArrayFree),
    FUNCTION(MXNDArrayGetContext),
    FUNCTION(MXNDArrayGetDType),
    FUNCTION(MXNDArrayGetData),
    FUNCTION(MXNDArrayGetShapeEx),
    FUNCTION(MXNDArrayLoad),
    FUNCTION(MXNDArrayLoadFromBuffer),
    FUNCTION(MXNDArrayReshape),
    FUNCTION(MXNDArraySave),
    FUNCTION(MXNDArraySlice),
    FUNCTION(MXNDArraySyncCopyFromCPU),
    FUNCTION(MXNDArraySyncCopyToCPU),
    FUNCTION(MXNDArrayWaitAll),
    FUNCTION(MXNDArrayWaitToRead),
    FUNCTION(MXNDArrayWaitToWrite),
    FUNCTION(MXSymbolCompose),
    FUNCTION(MXSymbolCopy),
    FUNCTION(MXSymbolCreateAtomicSymbol),
    FUNCTION(MXSymbolCreateFromFile),
    FUNCTION(MXSymbolCreateFromJSON),
    FUNCTION(MXSymbolCreateGroup),
    FUNCTION(MXSymbolCreateVariable),
    FUNCTION(MXSymbolFree),
    FUNCTION(MXSymbolGetAtomicSymbolInfo),
    FUNCTION(MXSymbolGetInternals),
    FUNCTION(MXSymbolGetName),
    FUNCTION(MXSymbolGetNumOutputs),
    FUNCTION(MXSymbolGetOutput),
    FUNCTION(MXSymbolInferShapeEx),
    FUNCTION(MXSymbolListArguments),
    FUNCTION(MXSymbolListAtomicSymbolCreators),
    FUNCTION(MXSymbolListAttrShallow),
    FUNCTION(MXSymbolListAuxiliaryStates),
    FUNCTION(MXSymbolListOutputs),
    FUNCTION(MXSymbolSaveToFile),
    FUNCTION(MXSymbolSaveToJSON),
    FUNCTION(MXSymbolSetAttr),
    FUNCTION(NNGetOpHandle),
    FUNCTION(NNListAllOpNames),
    FUNCTION(NNSymbolListInputNames),
};

START_TEST(the_eighty_functions_of_cpp_package_are_there_and_different)
{
    std::set<void *> addresses;
    for (const auto &function : functions) {
        ck_assert_msg(function.address != nullptr, "%s", function.name);
        addresses.insert(function.address);
    }
    ck_assert_uint_eq(addresses.size(), 80);
}
END_TEST

START_TEST(the_operators_that_cpp_package_names_are_there)
{
    static const char *const names[] = {
        "_copyto",        "_set_value",     "_random_normal", "_random_uniform",
        "argmax_channel", "_plus_scalar",   "_minus_scalar",  "_mul_scalar",
        "_div_scalar",    "_mod_scalar",    "_plus",          "_minus",
        "_mul",           "_div",           "_mod",           "_Plus",
        "_Minus",         "_Mul",           "_Div",           "_Mod",
        "_Power",         "_Maximum",       "_Minimum",       "_PlusScalar",
        "_MinusScalar",   "_RMinusScalar",  "_MulScalar",     "_DivScalar",
        "_RDivScalar",    "_ModScalar",     "_RModScalar",    "_PowerScalar",
        "_RPowerScalar",  "_MaximumScalar", "_MinimumScalar", "Activation",
        "clip",           "norm",           "sqrt",           "Convolution",
        "Pooling",        "FullyConnected", "BatchNorm",      "SoftmaxOutput",
        "Flatten"};
    for (const char *name : names)
        ck_assert_msg(Registry::get().handles.count(name) == 1, "%s", name);
    for (const auto &entry : Registry::get().creators)
        ck_assert_ptr_eq(entry.second, Registry::get().handles.at(entry.first));
    FAILS_WITH("NoSuchOperator is not registered", {
        OpHandle handle;
        require(NNGetOpHandle("NoSuchOperator", &handle));
    });
}
END_TEST

START_TEST(operators_document_their_arguments_in_the_order_that_generated_wrappers_have)
{
    const auto &arguments = Registry::get().arguments;
    const std::vector<std::string> convolution = {
        "data",       "weight",    "bias",      "kernel",  "stride",     "dilate",    "pad",
        "num_filter", "num_group", "workspace", "no_bias", "cudnn_tune", "cudnn_off", "layout"};
    ck_assert(arguments.at("Convolution") == convolution);
    const std::vector<std::string> dense = {"data",       "weight",  "bias",
                                            "num_hidden", "no_bias", "flatten"};
    ck_assert(arguments.at("FullyConnected") == dense);
}
END_TEST

/* --- Arrays --- */

START_TEST(arrays_share_what_slices_and_reshapes_look_at)
{
    Array array({4, 6}, make_values(24, 0, 1));
    Array rows = array.slice(1, 3), other = rows.reshape({3, -1});
    ck_assert(rows.shape() == (Shape{2, 6}));
    ck_assert(other.shape() == (Shape{3, 4}));
    Operator("_set_value").set_at(0, 7).run_into(other);
    array.wait_to_read();
    std::vector<float> expected = make_values(24, 0, 1);
    std::fill(expected.begin() + 6, expected.begin() + 18, 7.0f);
    expect_close(array.values(), expected);
    ck_assert_float_eq(array.data()[17], 7);
    ck_assert(array.context() == std::make_pair(1, 0));
    array.wait_to_write();
}
END_TEST

START_TEST(arrays_of_other_types_are_copied_with_their_type)
{
    for (int dtype : {0, 1, 2, 3, 4, 5, 6}) {
        Array from({3, 5}, dtype), into({3, 5}, dtype);
        Operator("_set_value").set_at(0, 3).run_into(from);
        Operator("_copyto").input(from).run_into(into);
        ck_assert_int_eq(into.dtype(), dtype);
        Array::wait_all();
    }
}
END_TEST

START_TEST(arithmetic_of_arrays_gives_new_arrays_or_changes_one)
{
    Array a({2, 3}, {1, 2, 3, 4, 5, 6}), b({2, 3}, {6, 5, 4, 3, 2, 1}), none;
    Operator("_plus").input(a).input(b).run_into(none);
    expect_close(none.values(), std::vector<float>(6, 7));
    expect_close(Operator("_minus").input(a).input(b).run().at(0).values(), {-5, -3, -1, 1, 3, 5});
    Operator("_mul_scalar").input(a).set_at(1, 0.5f).run_into(a);
    expect_close(a.values(), {0.5f, 1, 1.5f, 2, 2.5f, 3});
    expect_close(Operator("argmax_channel").input(b).run().at(0).values(), {0, 0});
    expect_close(Operator("clip").input(b).set("a_min", 2).set("a_max", 4.5).run().at(0).values(),
                 {4.5f, 4.5f, 4, 3, 2, 2});
}
END_TEST

START_TEST(random_numbers_fill_an_array_with_their_distribution)
{
    Array normal({100, 100}, 0), uniform({100, 100}, 0);
    Operator("_random_normal").set_at(0, 3).set_at(1, 2).run_into(normal);
    Operator("_random_uniform").set_at(0, -1).set_at(1, 5).run_into(uniform);
    double sum = 0, squares = 0, uniform_sum = 0;
    for (float value : normal.values()) {
        sum += value;
        squares += value * value;
    }
    for (float value : uniform.values()) {
        ck_assert(value >= -1 && value <= 5);
        uniform_sum += value;
    }
    ck_assert_double_eq_tol(sum / 10000, 3, 0.2);
    ck_assert_double_eq_tol(squares / 10000 - 9, 4, 1.3);
    ck_assert_double_eq_tol(uniform_sum / 10000, 2, 0.2);
}
END_TEST

START_TEST(arrays_come_back_from_files_and_bytes_as_they_were_saved)
{
    TemporaryFile file;
    std::map<std::string, Array> saved;
    saved["arg:weight"] = Array({3, 2}, make_values(6, 1, 0.25f));
    saved["aux:mean"] = Array({4}, make_values(4, -1, 0.5f));
    save(file.path, saved);
    for (const auto &loaded : {load(file.path), load_bytes(file.read())}) {
        ck_assert_uint_eq(loaded.size(), 2);
        for (const auto &entry : saved) {
            ck_assert(loaded.at(entry.first).shape() == entry.second.shape());
            expect_close(loaded.at(entry.first).values(), entry.second.values());
        }
    }
    FAILS_WITH("/nowhere", load("/nowhere/at/all.params"));
}
END_TEST

/* --- Symbols and executors --- */

/* data [n,3] -> dense of 4, relu -> dense of 2 -> softmax: what a small program would build. */
static Symbol make_perceptron()
{
    Symbol data("data"), label("softmax_label");
    Symbol hidden = Operator("FullyConnected")
                        .set("num_hidden", 4)
                        .input("data", data)
                        .input("weight", Symbol("w0"))
                        .input("bias", Symbol("b0"))
                        .symbol("hidden");
    Symbol active =
        Operator("Activation").set("act_type", "relu").input("data", hidden).symbol("active");
    Symbol last = Operator("FullyConnected").set("num_hidden", 2).input(active).symbol("last");
    return Operator("SoftmaxOutput").input("data", last).input("label", label).symbol("softmax");
}

/* The same in plain C++. */
static std::vector<float> dense(const std::vector<float> &x, size_t rows, const Array &weight,
                                const Array &bias)
{
    const std::vector<float> w = weight.values(), b = bias.values();
    const size_t out = b.size(), in = w.size() / out;
    std::vector<float> y(rows * out);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < out; i++) {
            y[row * out + i] = b[i];
            for (size_t k = 0; k < in; k++)
                y[row * out + i] += w[i * in + k] * x[row * in + k];
        }
    return y;
}

static std::vector<float> expected_of_perceptron(const std::map<std::string, Array> &arrays)
{
    const size_t rows = arrays.at("data").shape()[0];
    std::vector<float> y =
        dense(arrays.at("data").values(), rows, arrays.at("w0"), arrays.at("b0"));
    for (float &value : y)
        value = std::max(value, 0.0f);
    y = dense(y, rows, arrays.at("last_weight"), arrays.at("last_bias"));
    for (size_t row = 0; row < rows; row++) {
        const float first = 1 / (1 + std::exp(y[2 * row + 1] - y[2 * row]));
        y[2 * row] = first;
        y[2 * row + 1] = 1 - first;
    }
    return y;
}

static std::map<std::string, Array> make_arrays(const Symbol &symbol, const Shape &data_shape)
{
    std::map<std::string, Array> arrays;
    const std::vector<std::string> names = symbol.arguments();
    const std::vector<Shape> shapes = symbol.infer({{"data", data_shape}}).at(0);
    for (size_t i = 0; i < names.size(); i++) {
        size_t count = 1;
        for (uint32_t dim : shapes[i])
            count *= dim;
        arrays[names[i]] =
            Array(shapes[i], make_values(count, 0.3f * static_cast<float>(i) - 1, 0.11f));
    }
    return arrays;
}

static std::vector<Array> in_order(const std::vector<std::string> &names,
                                   const std::map<std::string, Array> &arrays)
{
    std::vector<Array> ordered;
    for (const std::string &name : names)
        ordered.push_back(arrays.at(name));
    return ordered;
}

START_TEST(a_symbol_lists_what_it_is_made_of)
{
    const Symbol symbol = make_perceptron();
    const std::vector<std::string> arguments = {"data",        "w0",        "b0",
                                                "last_weight", "last_bias", "softmax_label"};
    ck_assert(symbol.arguments() == arguments);
    ck_assert(symbol.inputs() == arguments);
    ck_assert(symbol.states().empty());
    ck_assert(symbol.outputs() == std::vector<std::string>{"softmax_output"});
    ck_assert(symbol.name() == "softmax");
    ck_assert(symbol.internals().output("active_output").name() == "active");
    const Symbol both = Symbol::group({symbol, symbol.internals().output("hidden_output")});
    ck_assert_uint_eq(both.output_count(), 2);
    ck_assert(both.output(1).name() == "hidden");
    FAILS_WITH("no output other", symbol.output("other"));
}
END_TEST

START_TEST(attributes_are_set_and_listed)
{
    const Symbol symbol = make_perceptron().internals().output("hidden_output");
    symbol.set("__mood__", "calm");
    std::map<std::string, std::string> attributes = symbol.attributes();
    ck_assert(attributes["num_hidden"] == "4");
    ck_assert(attributes["__mood__"] == "calm");
}
END_TEST

START_TEST(shapes_are_inferred_forwards_and_contradictions_named)
{
    const std::vector<std::vector<Shape>> shapes = make_perceptron().infer({{"data", {5, 3}}});
    const std::vector<Shape> arguments = {{5, 3}, {4, 3}, {4}, {2, 4}, {2}, {5}};
    ck_assert(shapes.at(0) == arguments);
    ck_assert(shapes.at(1) == std::vector<Shape>({{5, 2}}));
    FAILS_WITH("hidden", make_perceptron().infer({{"data", {5, 3}}, {"w0", {4, 9}}}));
}
END_TEST

START_TEST(a_symbol_comes_back_from_a_file_and_from_text_as_it_was)
{
    TemporaryFile file;
    const Symbol symbol = make_perceptron();
    symbol.save(file.path);
    for (const Symbol &loaded : {Symbol::load(file.path), Symbol::from_json(symbol.json()),
                                 Symbol::from_json(file.read()), symbol.copy()}) {
        ck_assert(loaded.arguments() == symbol.arguments());
        ck_assert(loaded.json() == symbol.json());
    }
    FAILS_WITH("", Symbol::from_json("{\"nodes\": "));
}
END_TEST

START_TEST(an_executor_computes_what_was_bound_and_follows_changes)
{
    const Symbol symbol = make_perceptron();
    std::map<std::string, Array> arrays = make_arrays(symbol, {5, 3});
    const std::vector<Array> arguments = in_order(symbol.arguments(), arrays);
    const Executor executor(symbol, arguments, arguments, {});
    const Array first = executor.outputs().at(0);
    for (int i = 0; i < 3; i++) {
        executor.forward();
        expect_close(executor.outputs().at(0).values(), expected_of_perceptron(arrays));
        expect_close(first.values(), expected_of_perceptron(arrays));
        Operator("_mul_scalar").input(arrays["w0"]).set_at(1, 0.75f).run_into(arrays["w0"]);
        Operator("_plus_scalar").input(arrays["data"]).set_at(1, 0.25f).run_into(arrays["data"]);
    }
    ck_assert(!executor.description().empty());
}
END_TEST

static void count_results(const char *name, NDArrayHandle array, void *user)
{
    const Array owned(array);
    owned.wait_to_read();
    (*static_cast<std::map<std::string, size_t> *>(user))[name] = owned.values().size();
}

START_TEST(a_monitor_sees_the_result_of_every_node)
{
    const Symbol symbol = make_perceptron();
    std::map<std::string, Array> arrays = make_arrays(symbol, {5, 3});
    const std::vector<Array> arguments = in_order(symbol.arguments(), arrays);
    const Executor executor(symbol, arguments, arguments, {});
    std::map<std::string, size_t> seen;
    executor.monitor(count_results, &seen, false);
    executor.forward();
    Array::wait_all();
    const std::map<std::string, size_t> expected = {
        {"hidden_output", 20}, {"active_output", 20}, {"last_output", 10}, {"softmax_output", 10}};
    ck_assert(seen == expected);
    expect_close(executor.outputs().at(0).values(), expected_of_perceptron(arrays));
}
END_TEST

/* --- What is for training --- */

START_TEST(what_is_for_training_says_that_it_is_not_there)
{
    const Symbol symbol = make_perceptron();
    std::map<std::string, Array> arrays = make_arrays(symbol, {5, 3});
    const std::vector<Array> arguments = in_order(symbol.arguments(), arrays);
    const Executor executor(symbol, arguments, arguments, {});
    FAILS_WITH("", executor.backward());
    KVStoreHandle store;
    FAILS_WITH("", require(MXKVStoreCreate("local", &store)));
    uint32_t count = 1;
    DataIterCreator *creators;
    require(MXListDataIters(&count, &creators));
    ck_assert_uint_eq(count, 0);
    DataIterHandle iterator;
    FAILS_WITH("", require(MXDataIterCreateIter(nullptr, 0, nullptr, nullptr, &iterator)));
}
END_TEST

static int run_all()
{
    Suite *suite = suite_create("mxnet cpp client");
    TCase *cases = tcase_create("mxnet cpp client");
    const TTest *const tests[] = {
        the_eighty_functions_of_cpp_package_are_there_and_different,
        the_operators_that_cpp_package_names_are_there,
        operators_document_their_arguments_in_the_order_that_generated_wrappers_have,
        arrays_share_what_slices_and_reshapes_look_at,
        arrays_of_other_types_are_copied_with_their_type,
        arithmetic_of_arrays_gives_new_arrays_or_changes_one,
        random_numbers_fill_an_array_with_their_distribution,
        arrays_come_back_from_files_and_bytes_as_they_were_saved,
        a_symbol_lists_what_it_is_made_of,
        attributes_are_set_and_listed,
        shapes_are_inferred_forwards_and_contradictions_named,
        a_symbol_comes_back_from_a_file_and_from_text_as_it_was,
        an_executor_computes_what_was_bound_and_follows_changes,
        a_monitor_sees_the_result_of_every_node,
        what_is_for_training_says_that_it_is_not_there,
    };
    tcase_set_timeout(cases, 120);
    for (const TTest *test : tests)
        tcase_add_test(cases, test);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

int main()
{
    return run_all() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
