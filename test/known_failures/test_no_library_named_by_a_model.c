// SPDX-License-Identifier: Apache-2.0
/*
 * A model that names a library (a custom operator's) made others load it. Here nothing in a file
 * leads to dlopen: this program has a dlopen of its own that notes what is asked for, and the list
 * of loaded objects must stay what it is.
 */
#define _GNU_SOURCE
#include <link.h>

#include "support/load_onnx.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

static char asked[64][256];
static int asked_count;

/* Stands before libc's for every object of this process. */
void *dlopen(const char *name, int flags);
void *dlopen(const char *name, int flags)
{
    (void)flags;
    snprintf(asked[asked_count++ % 64], sizeof asked[0], "%s", name == NULL ? "" : name);
    return NULL;
}

static int count_object(struct dl_phdr_info *info, size_t size, void *count)
{
    (void)info, (void)size;
    return ++*(int *)count == 0;
}

static int count_objects(void)
{
    int count = 0;
    dl_iterate_phdr(count_object, &count);
    return count;
}

static const char *const libraries[] = {"libevil.so",         "/tmp/evil.so", "./evil.so",
                                        "../evil.so",         "evil",         "cachedop_gpu",
                                        "libcachedop-cuda.so"};
#define LIBRARY_COUNT (sizeof libraries / sizeof *libraries)

/* The name as operator, domain, attribute and metadata of an ONNX file. */
static void load_onnx_naming(const char *library)
{
    for (int place = 0; place < 5; place++) {
        struct message graph = {0}, entry = {0};
        struct message node = onnx_node(place == 0 ? library : "Relu", "custom", "x", "y");
        if (place == 1)
            write_text(&node, 7, library);
        if (place == 2)
            onnx_attribute_text(&node, "library", library);
        if (place == 3)
            onnx_attribute_text(&node, library, library);
        onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
        onnx_add_node(&graph, &node);
        onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
        struct message model = onnx_model(&graph, 13);
        if (place == 4) { /* metadata_props */
            write_text(&entry, 1, "custom_op_library");
            write_text(&entry, 2, library);
            write_message(&model, 14, &entry);
        }
        cop_error error;
        const cop_status status = compile_onnx(&model, NULL, &error);
        ck_assert_msg((status == COP_STATUS_OK) == (place == 4), "%s at %d: %s", library, place,
                      error.message);
    }
}

/* The same in a symbol: MXNet's Custom and subgraph operators, and what programs put into
 * attributes. */
static void load_mxnet_naming(const char *library)
{
    static const char *const symbols[] = {
        NODE("Custom", "y", "'op_type':'%s'", "[0,0]"),
        NODE("%s", "y", "", "[0,0]"),
        NODE("_CustomFunction", "y", "'library':'%s'", "[0,0]"),
        NODE("relu", "y", "'__library__':'%s'", "[0,0]"),
        NODE("_TensorRT", "y", "'subgraph_backend':'%s'", "[0,0]"),
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        char node[1024], text[2048];
        struct byte_writer params;
        cop_model *model = NULL;
        cop_error error = {COP_STATUS_OK, ""};
        write_params(&params, "w 1;");
        snprintf(node, sizeof node, symbols[i], library);
        snprintf(text, sizeof text, SYMBOL(VARIABLE("x") ",%s", "[1,0]"), node);
        char *json = write_json(text);
        const cop_bytes graph = {.data = json, .size = strlen(json)};
        const cop_bytes weights = {.data = params.bytes, .size = params.size};
        const cop_status status =
            cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, &error);
        ck_assert_msg(status == COP_STATUS_UNSUPPORTED || (i == 3 && status == COP_STATUS_OK),
                      "%s: %s", text, error.message);
        cop_model_release(&model);
        free(json);
    }
}

START_TEST(no_word_of_a_file_is_a_librarys_name)
{
    const int before = count_objects();
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        load_onnx_naming(libraries[i]);
        load_mxnet_naming(libraries[i]);
    }
    for (int i = 0; i < asked_count && i < 64; i++)
        ck_abort_msg("dlopen of '%s'", asked[i]);
    ck_assert_int_eq(count_objects(), before);
}
END_TEST

int main(void)
{
    return RUN_TESTS("libraries", no_word_of_a_file_is_a_librarys_name);
}
