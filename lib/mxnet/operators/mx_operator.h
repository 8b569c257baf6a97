// SPDX-License-Identifier: Apache-2.0
/*
 * The operators as MXNet documents them: names, parameters, inputs, outputs, element types.
 *
 * What an operator becomes in a graph is the importer's to say (model/mxnet/mxnet_operators.h); the
 * table here adds what bindings ask for and what symbols need before they are run. It has every
 * operator that the importer has, and those that are run on arrays alone.
 *
 * Thread-safety: immutable once the first call has put the table in order.
 */
#ifndef MXNET_OPERATORS_MX_OPERATOR_H
#define MXNET_OPERATORS_MX_OPERATOR_H

#include "ir/shape.h"
#include "model/mxnet/mxnet_operators.h"

/* What a value must be beyond its type. */
enum mx_limit {
    MX_LIMIT_NONE,
    MX_LIMIT_FROM_1,
    MX_LIMIT_1_TO_3,
    MX_LIMIT_0_TO_1,
    MX_LIMIT_NONE_ELEMENTS, /* elements of the tuple may be None */
};

/* A tensor or a parameter, in MXNet's order; `type_info` in MXNet's grammar. */
struct mx_parameter {
    const char *name, *type_info, *description;
    enum mx_limit limit;
};

/* How element types of inputs and outputs follow from each other. */
enum mx_type_rule {
    MX_TYPES_SAME,       /* all are equal, and each tells the others */
    MX_TYPES_FIRST,      /* … only the first input and the first output tell */
    MX_TYPES_FORWARD,    /* … only the first input tells */
    MX_TYPES_LIKE,       /* the first input's is the output's once the second's is known, which is
                            any */
    MX_TYPES_FLOAT32,    /* float32, all of them */
    MX_TYPES_CAST,       /* dtype of any */
    MX_TYPES_AMP_CAST,   /* dtype of floating-point ones, as it is of others */
    MX_TYPES_BATCH_NORM, /* floating-point; vectors are float32 beside a shorter type */
    MX_TYPES_OLD_BATCH_NORM,
    MX_TYPES_EMBEDDING, /* dtype, unless the table says otherwise */
    MX_TYPES_INT64,     /* sizes */
    MX_TYPES_SCALAR,    /* as it is, unless it cannot hold the number */
    MX_TYPES_QUOTIENT,  /* float32 of integers */
    MX_TYPES_SOFTMAX,   /* dtype, otherwise that of the input */
    MX_TYPES_NORM,      /* out_dtype, otherwise that of the input */
    MX_TYPES_WHERE,     /* the condition's is any */
    MX_TYPES_NEW,       /* dtype, or that of the array it goes to */
    MX_TYPES_ANY,       /* nothing follows */
};

enum mx_output_rule {
    MX_OUTPUT_ONE,
    MX_OUTPUT_FIRST,    /* of several, only the first is visible */
    MX_OUTPUT_MEAN_VAR, /* … unless output_mean_var is set */
    MX_OUTPUT_RRELU,    /* a second one with act_type rrelu */
    MX_OUTPUT_PARTS,    /* num_outputs of them */
};

enum mx_label_rule {
    MX_LABEL_NONE,
    MX_LABEL_SOFTMAX,
    MX_LABEL_REGRESSION,
    MX_LABEL_SVM,
};

/* Who differs while training. */
enum mx_training {
    MX_TRAINING_SAME,
    MX_TRAINING_RANDOM,
    MX_TRAINING_STATISTICS, /* unless use_global_stats is set */
    MX_TRAINING_RRELU,      /* with act_type rrelu */
};

/* What is run on arrays alone, by lib/mxnet/run. */
enum mx_imperative {
    MX_IMPERATIVE_NONE, /* runs as a graph */
    MX_IMPERATIVE_COPYTO,
    MX_IMPERATIVE_SET_VALUE,
    MX_IMPERATIVE_ZEROS,
    MX_IMPERATIVE_ONES,
    MX_IMPERATIVE_FULL,
    MX_IMPERATIVE_ARANGE,
    MX_IMPERATIVE_UNIFORM,
    MX_IMPERATIVE_NORMAL,
};

struct mx_operator {
    const char *name;           /* canonical */
    const char *const *aliases; /* NULL-terminated, without the name */
    const char *description;
    const struct mx_parameter *arguments; /* tensors first */
    int tensor_count, argument_count;     /* documented ones */
    int undocumented_count;               /* parameters behind the documented ones */
    const char *key_var_num_args;         /* the parameter that counts inputs; "": none */
    const struct mxnet_operator *mapping; /* the importer's; NULL: imperative only */

    /* For the functions below. */
    const char *inputs;          /* names; NULL: the importer's slots */
    const char *bilinear_inputs; /* names with sample_type bilinear; NULL: the same */
    const char *outputs;         /* names; NULL: "output" */
    enum mx_output_rule output_rule;
    enum mx_type_rule types;
    enum mx_label_rule label;
    enum mx_training training;
    enum mx_imperative imperative;
};

/* Sorted by name, aliases are not counted. An AtomicSymbolCreator is one of these pointers. */
size_t cop_mx_operator_count(void);
const struct mx_operator *cop_mx_operator_at(size_t index);

/* All of them as handles, for ever. */
void **cop_mx_operator_handles(void);

/* Whether a pointer from a client is one of them. */
bool cop_mx_operator_is_one(const void *pointer);

/* By name or alias; NULL: there is none. */
const struct mx_operator *cop_mx_operator_find(const char *name);

/* All names with aliases, sorted. */
size_t cop_mx_operator_name_count(void);
const char *cop_mx_operator_name_at(size_t index);

/* The attributes of one use. */
struct mx_attributes {
    int count;
    const char *const *keys, *const *values;
};

/* The value of a key, the last one where it comes twice; NULL: it is not there. */
const char *cop_mx_attribute(const struct mx_attributes *attributes, const char *key);
/* … read as a bool; `otherwise` where it is absent, None or no bool. */
bool cop_mx_attribute_bool(const struct mx_attributes *attributes, const char *key, bool otherwise);

/* __x__ is never an operator's: users and frontends keep notes there. */
bool cop_mx_attribute_is_hidden(const char *key);

/*
 * Reads every value as its type wants it. INVALID_ARGUMENT for an unknown key, a value that cannot
 * be read or is out of range, and a missing one; hidden keys are passed over. `node_name` is for
 * the text, "" where there is no node. As in MXNet, an operator without parameters takes any.
 */
cop_status cop_mx_operator_check(const struct mx_operator *op, const char *node_name,
                                 const struct mx_attributes *attributes, cop_error *error);

#define COP_MX_NAME_BYTES COP_SLOT_NAME_BYTES

/* −1: any number, and the attributes do not say which. */
int cop_mx_operator_input_count(const struct mx_operator *op,
                                const struct mx_attributes *attributes);
/* "weight", "arg0"; "" beyond the last. */
void cop_mx_operator_input_name(const struct mx_operator *op,
                                const struct mx_attributes *attributes, int index,
                                char name[COP_MX_NAME_BYTES]);
/* Whether an input is an auxiliary state. */
bool cop_mx_operator_is_mutable(const struct mx_operator *op, int index);

/* All outputs, and those that a symbol shows. */
int cop_mx_operator_output_count(const struct mx_operator *op,
                                 const struct mx_attributes *attributes);
int cop_mx_operator_visible_count(const struct mx_operator *op,
                                  const struct mx_attributes *attributes);
/* "output", "output0", "mean": what comes after the node's name. */
void cop_mx_operator_output_name(const struct mx_operator *op,
                                 const struct mx_attributes *attributes, int index,
                                 char name[COP_MX_NAME_BYTES]);

/* Whether results differ while training. */
bool cop_mx_operator_trains_differently(const struct mx_operator *op,
                                        const struct mx_attributes *attributes);

/*
 * Element types (mxnet/base/mx_dtype.h, −1: unknown) as far as they follow from each other; what
 * becomes known is filled in and sets `*changed`. Where MXNet wants the first input's type to be
 * known, nothing follows and that is no error. INVALID_ARGUMENT: two contradict each other, or the
 * operator does not take one.
 */
cop_status cop_mx_operator_infer_types(const struct mx_operator *op,
                                       const struct mx_attributes *attributes, int input_count,
                                       int *input_types, int output_count, int *output_types,
                                       bool *changed, cop_error *error);

/*
 * The shape of a label from that of the data, for operators that have one. INVALID_ARGUMENT: the
 * known one does not fit. What the data leave open stays open.
 */
cop_status cop_mx_operator_infer_label(const struct mx_operator *op,
                                       const struct mx_attributes *attributes,
                                       const struct shape *data, struct shape *label,
                                       cop_error *error);

#endif
