// SPDX-License-Identifier: Apache-2.0
/* Shapes of labels, which no graph has: they follow from the data. */
#include "base/error.h"
#include "mxnet/operators/mx_operator.h"

static cop_status refuse_label(const struct shape *label, const struct shape *wanted,
                               cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Shape inconsistent, Provided = %s, inferred shape=%s",
                    cop_shape_text(label).text, cop_shape_text(wanted).text);
}

/* Joins a label with the only shape that it can have. */
static cop_status join_label(struct shape *label, const struct shape *wanted, cop_error *error)
{
    return cop_shape_merge(label, wanted, NULL) ? COP_STATUS_OK
                                                : refuse_label(label, wanted, error);
}

static cop_status infer_without_last(const struct shape *data, struct shape *label,
                                     cop_error *error)
{
    const struct shape wanted = cop_shape_of(data->rank - 1, data->dims);
    if (data->rank < 2) /* a label without dimensions is one of which nothing is known */
        return COP_STATUS_OK;
    return join_label(label, &wanted, error);
}

/*
 * One label for each position: [n, positions], or with the data's dimensions and the channels gone
 * or 1.
 */
static cop_status infer_multi_output(const struct shape *data, struct shape *label,
                                     cop_error *error)
{
    struct shape flat = cop_shape_of(2, data->dims), apart = *data, beside = *data;
    if (data->rank < 2)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "multi_output needs data of at least 2 dimensions, not %s",
                        cop_shape_text(data).text);
    apart.rank--;
    for (int i = 1; i < data->rank; i++)
        apart.dims[i] = i + 1 < data->rank ? data->dims[i + 1] : 0;
    beside.dims[1] = 1;
    flat.dims[1] =
        cop_shape_is_known(&apart) ? cop_shape_product(&apart, 1, apart.rank) : COP_UNKNOWN;
    if (label->rank == COP_UNKNOWN) {
        *label = flat;
        return COP_STATUS_OK;
    }
    if (cop_shape_merge(label, &flat, NULL) || cop_shape_merge(label, &apart, NULL) ||
        cop_shape_merge(label, &beside, NULL))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Expecting %s or %s. But got %s",
                    cop_shape_text(&flat).text, cop_shape_text(&apart).text,
                    cop_shape_text(label).text);
}

static cop_status infer_softmax(const struct mx_attributes *attributes, const struct shape *data,
                                struct shape *label, cop_error *error)
{
    if (cop_shape_equal(label, data)) /* one number for each class */
        return COP_STATUS_OK;
    return cop_mx_attribute_bool(attributes, "multi_output", false)
               ? infer_multi_output(data, label, error)
               : infer_without_last(data, label, error);
}

/* As many numbers as the data has; a column of them may be a vector. */
static cop_status infer_regression(const struct shape *data, struct shape *label, cop_error *error)
{
    struct shape wanted = *data;
    int64_t data_elements, label_elements;
    if (data->rank == 2 && data->dims[1] == 1)
        wanted = cop_shape_of(1, data->dims);
    if (label->rank == COP_UNKNOWN || !cop_shape_is_known(label) || !cop_shape_is_known(data))
        return label->rank == COP_UNKNOWN || label->rank == data->rank
                   ? join_label(label, label->rank == COP_UNKNOWN ? &wanted : data, error)
                   : COP_STATUS_OK;
    if (label->rank < 1 || data->rank < 1 || label->dims[0] != data->dims[0] ||
        !cop_shape_elements(label, &label_elements) || !cop_shape_elements(data, &data_elements) ||
        label_elements != data_elements)
        return refuse_label(label, &wanted, error);
    return COP_STATUS_OK;
}

cop_status cop_mx_operator_infer_label(const struct mx_operator *op,
                                       const struct mx_attributes *attributes,
                                       const struct shape *data, struct shape *label,
                                       cop_error *error)
{
    if (data->rank == COP_UNKNOWN)
        return COP_STATUS_OK;
    switch (op->label) {
    case MX_LABEL_SOFTMAX:
        return infer_softmax(attributes, data, label, error);
    case MX_LABEL_REGRESSION:
        return infer_regression(data, label, error);
    case MX_LABEL_SVM:
        return infer_without_last(data, label, error);
    case MX_LABEL_NONE:
        break;
    }
    return COP_STATUS_OK;
}
