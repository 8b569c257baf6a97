// SPDX-License-Identifier: Apache-2.0
/* Shapes and element types of all inputs of a symbol from those that a client gives by name. */
#ifndef MXNET_EXECUTOR_MX_BINDING_SHAPES_H
#define MXNET_EXECUTOR_MX_BINDING_SHAPES_H

#include "mxnet/array/mx_array.h"
#include "mxnet/symbol/mx_symbol.h"

struct mx_known {
    struct mx_known_shapes {
        uint32_t count;
        const char *const *names; /* those of nobody are passed over */
        const uint32_t *offsets;  /* count + 1 */
        const int *dims;          /* unknown: negative and, where shapes are not numpy's, 0 */
    } shapes;
    struct mx_known_types {
        uint32_t count;
        const char *const *names;
        const int *types; /* −1: unknown */
    } types;
    struct mx_array *const *arrays; /* one an input, which has the type of its array; or NULL */
};

struct mx_binding_shapes {
    struct mx_order order;
    int *inputs; /* where they stand in the order */
    size_t count;
    struct mx_types types;
    struct mx_shapes shapes;
};

/*
 * What follows from what is known; types that do not are float32. To be closed in any case.
 * INVALID_ARGUMENT: names that are NULL, offsets that decrease, contradictions, and, naming them,
 * inputs whose shapes do not follow.
 */
cop_status cop_mx_binding_shapes_open(const struct mx_symbol *symbol, const struct mx_known *known,
                                      struct mx_binding_shapes *shapes, cop_error *error);
void cop_mx_binding_shapes_close(struct mx_binding_shapes *shapes);

/* Whether the client gave a shape for an input. */
bool cop_mx_is_given(const struct mx_known_shapes *shapes, const char *name);

static inline const char *cop_mx_binding_name(const struct mx_binding_shapes *shapes, size_t input)
{
    return shapes->order.nodes[shapes->inputs[input]]->name;
}

static inline const struct shape *cop_mx_binding_shape(const struct mx_binding_shapes *shapes,
                                                       size_t input)
{
    return &shapes->shapes.shapes[shapes->inputs[input]][0];
}

static inline int cop_mx_binding_type(const struct mx_binding_shapes *shapes, size_t input)
{
    return shapes->types.types[shapes->inputs[input]][0];
}

#endif
