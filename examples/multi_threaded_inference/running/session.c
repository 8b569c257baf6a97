// SPDX-License-Identifier: Apache-2.0
#include "running/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "running/clock.h"
#include "embedded.h"
#include "output/results.h"

bool session_failure(struct failure *failure, const cop_error *error)
{
    return failure_set(failure, "%s (%s)", error->message, cop_status_name(error->status));
}

static bool load_embedded(struct session *session, struct failure *failure)
{
    const cop_bytes graph = {embedded_model, embedded_model_size, NULL, NULL};
    cop_error error;
    if (cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &graph, NULL, NULL, &session->model, &error))
        return session_failure(failure, &error);
    return true;
}

static bool load_model(struct session *session, const struct options *options,
                       struct failure *failure)
{
    int64_t start_ns = clock_ns();
    session->name = options->model ? options->model : EMBEDDED_NAME;
    if (!options->model) {
        if (!load_embedded(session, failure))
            return false;
    } else {
        cop_error error;
        if (cop_model_load(options->model, NULL, &session->model, &error))
            return session_failure(failure, &error);
    }
    session->load_ms = (double)(clock_ns() - start_ns) / 1e6;
    size_t inputs = cop_model_input_count(session->model);
    return inputs == 1 || failure_set(failure, "%s: has %zu inputs, an image classifier has one",
                                      session->name, inputs);
}

/* C, H, W as the model's own input orders and batches them. */
static bool shape_input(const struct session *session, const struct options *options,
                        cop_input_shape *shape, struct failure *failure)
{
    cop_tensor_desc desc;
    cop_error error;
    if (cop_model_input(session->model, 0, &desc, &error))
        return session_failure(failure, &error);
    const int64_t *chw = options->input_shape;
    shape->name = NULL;
    shape->rank = desc.rank < 0 ? 4 : desc.rank;
    if (shape->rank != 3 && shape->rank != 4)
        return failure_set(failure, "%s: input '%s' has %d dimensions: no image", session->name,
                           desc.name, desc.rank);
    const int64_t *declared = desc.shape + shape->rank - 3;
    bool channels_last = desc.rank > 0 && declared[2] == chw[0] && declared[0] != chw[0];
    int64_t *out = shape->shape;
    if (shape->rank == 4)
        *out++ = 1;
    out[0] = channels_last ? chw[1] : chw[0];
    out[1] = channels_last ? chw[2] : chw[1];
    out[2] = channels_last ? chw[0] : chw[2];
    return true;
}

static bool create_operator(struct session *session, const struct options *options, int threads,
                            struct failure *failure)
{
    int64_t start_ns = clock_ns();
    cop_cached_op_options create = COP_CACHED_OP_OPTIONS_INIT;
    cop_input_shape shape;
    create.device = options->device;
    create.precision = options->precision;
    create.gpu_kernels = options->kernels;
    /* One for each thread, so that none is refused; the engine's workers are the library's affair.
     */
    create.max_contexts = options->async ? 0 : threads;
    if (options->input_shape_given) {
        if (!shape_input(session, options, &shape, failure))
            return false;
        create.input_shapes = &shape;
        create.input_shape_count = 1;
    }
    cop_error error;
    if (cop_cached_op_create(session->model, &create, &session->op, &error))
        return session_failure(failure, &error);
    session->create_ms = (double)(clock_ns() - start_ns) / 1e6;
    return true;
}

/* The first output that can be a list of scores; there may be others beside it. */
static bool choose_output(struct session *session, struct failure *failure)
{
    session->output_count = cop_cached_op_output_count(session->op);
    for (size_t i = 0; i < session->output_count; i++) {
        cop_error error;
        if (cop_cached_op_output(session->op, i, &session->scores, &error))
            return session_failure(failure, &error);
        if (results_is_class_list(&session->scores)) {
            session->scores_index = i;
            session->class_count = results_element_count(&session->scores);
            return true;
        }
    }
    return failure_set(failure, "%s: no output is a list of scores: no classifier", session->name);
}

/* Whether the options ask for a crop that the model's input can be. */
static bool check_crop(struct session *session, const struct options *options,
                       struct failure *failure)
{
    session->usage_error = true;
    if (options->crop &&
        (options->crop != session->layout.width || options->crop != session->layout.height))
        return failure_set(failure, "--crop %d: the model's input is %d x %d", options->crop,
                           session->layout.width, session->layout.height);
    if (!preprocess_fits(&session->preprocessing, &session->layout, failure))
        return false;
    session->usage_error = false;
    return true;
}

static bool describe_input(struct session *session, const struct options *options,
                           struct failure *failure)
{
    cop_error error;
    if (cop_cached_op_input(session->op, 0, &session->input, &error))
        return session_failure(failure, &error);
    if (!preprocess_layout(&session->input, &session->layout, failure))
        return failure_prefix(failure, session->name);
    const char *preset = !options->model                            ? EMBEDDED_PRESET
                         : session->layout.dtype == COP_DTYPE_UINT8 ? "none"
                                                                    : "imagenet";
    session->preprocessing = options_preprocessing(options, preset);
    return check_crop(session, options, failure);
}

static bool read_labels(struct session *session, const struct options *options,
                        struct failure *failure)
{
    if (options->labels)
        return labels_read(options->labels, &session->labels, failure);
    if (options->model)
        return true;
    return labels_parse((const char *)embedded_labels, embedded_labels_size, &session->labels,
                        failure);
}

/* The library takes a module by its absolute path. */
static bool load_module(const char *module, struct failure *failure)
{
    cop_error error;
    if (!module)
        return true;
    char *path = realpath(module, NULL);
    if (!path)
        return failure_set(failure, "--module %s: %s", module, strerror(errno));
    cop_status status = cop_load_module(path, &error);
    free(path);
    return status == COP_STATUS_OK || session_failure(failure, &error);
}

bool session_open(struct session *session, const struct options *options, int threads,
                  struct failure *failure)
{
    *session = (struct session){0};
    if (load_module(options->module, failure) && read_labels(session, options, failure) &&
        load_model(session, options, failure) &&
        create_operator(session, options, threads, failure) &&
        describe_input(session, options, failure) && choose_output(session, failure))
        return true;
    session_close(session);
    return false;
}

void session_close(struct session *session)
{
    cop_cached_op_release(&session->op);
    cop_model_release(&session->model);
    labels_release(&session->labels);
}
