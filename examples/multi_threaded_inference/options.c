// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_REPEAT     1000000000
#define MAX_DURATION_S 604800.0
#define MAX_TOP        1000000
#define MAX_WORKERS    1024
#define MAX_TIMEOUT_MS 604800000.0

enum option_code {
    OPTION_THREADS = 256,
    OPTION_DEVICE,
    OPTION_MODULE,
    OPTION_PRECISION,
    OPTION_KERNELS,
    OPTION_INPUT_SHAPE,
    OPTION_ASYNC,
    OPTION_WORKERS,
    OPTION_TIMEOUT,
    OPTION_LABELS,
    OPTION_TOP,
    OPTION_RAW,
    OPTION_JSON,
    OPTION_PRESET,
    OPTION_MEAN,
    OPTION_STD,
    OPTION_SCALE,
    OPTION_BGR,
    OPTION_RGB,
    OPTION_RESIZE,
    OPTION_CROP,
    OPTION_REPEAT,
    OPTION_DURATION,
    OPTION_TRACE,
    OPTION_PROFILE,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option option_table[] = {
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"device", required_argument, NULL, OPTION_DEVICE},
    {"module", required_argument, NULL, OPTION_MODULE},
    {"precision", required_argument, NULL, OPTION_PRECISION},
    {"kernels", required_argument, NULL, OPTION_KERNELS},
    {"input-shape", required_argument, NULL, OPTION_INPUT_SHAPE},
    {"async", no_argument, NULL, OPTION_ASYNC},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"labels", required_argument, NULL, OPTION_LABELS},
    {"top", required_argument, NULL, OPTION_TOP},
    {"raw", no_argument, NULL, OPTION_RAW},
    {"json", no_argument, NULL, OPTION_JSON},
    {"preset", required_argument, NULL, OPTION_PRESET},
    {"mean", required_argument, NULL, OPTION_MEAN},
    {"std", required_argument, NULL, OPTION_STD},
    {"scale", required_argument, NULL, OPTION_SCALE},
    {"bgr", no_argument, NULL, OPTION_BGR},
    {"rgb", no_argument, NULL, OPTION_RGB},
    {"resize", required_argument, NULL, OPTION_RESIZE},
    {"crop", required_argument, NULL, OPTION_CROP},
    {"repeat", required_argument, NULL, OPTION_REPEAT},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"profile", no_argument, NULL, OPTION_PROFILE},
    {"help", no_argument, NULL, OPTION_HELP}, /* -h as well */
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

void options_print_help(FILE *file)
{
    fputs(
        "Usage: " PROGRAM_NAME " [options] [MODEL] IMAGE...\n"
        "       " PROGRAM_NAME " [options] PREFIX 0|1 IMAGE...\n"
        "\n"
        "Classifies images with many threads through one shared model.\n"
        "\n"
        "MODEL is an .onnx file, an MXNet symbol file or its prefix (PREFIX-symbol.json and\n"
        "PREFIX-NNNN.params); without it a small model that is part of this program is used.\n"
        "In the second form 0 means the CPU and 1 the first GPU. An IMAGE is a JPEG, PNG or BMP\n"
        "file; alpha is dropped, orientation tags are not applied.\n"
        "\n"
        "Running\n"
        "  --threads N            threads that invoke the model; default: one for each image, at\n"
        "                         most 256\n"
        "  --device D             cpu, ref (plain C, slow), gpu or gpu:N; default: cpu\n"
        "  --precision P          of a GPU: fp32 (exact), tf32, bf16 or fp16; default: fp32\n"
        "  --kernels K            of a GPU: auto, own, or library (cuDNN, cuBLASLt); default: "
        "auto\n"
        "  --module PATH          the GPU backend; default: the one beside the library\n"
        "  --input-shape C,H,W    for models that do not fix the size of their input\n"
        "  --async                queue the work for the library's engine and wait for it\n"
        "  --workers N            threads of the engine, with --async; 0: the threads that wait "
        "do\n"
        "                         the work; default: one for each processor\n"
        "  --timeout MS           give an image up whose classification takes longer, the time in\n"
        "                         queues included; the others go on\n"
        "\n"
        "Results\n"
        "  --labels FILE          names of the classes, one a line; synset lines, too\n"
        "  --top K                classes shown for each image; default: 5\n"
        "  --raw                  show what the model puts out; default: probabilities, by a\n"
        "                         softmax where the model has none\n"
        "  --json                 one JSON object a line for each image, then a summary\n"
        "\n"
        "Preprocessing: element = (pixel * scale - mean) / std; single pieces change the preset\n"
        "  --preset NAME          imagenet  R,G,B / 255, mean .485,.456,.406, std .229,.224,.225\n"
        "                         caffe     B,G,R 0..255, mean 104,117,123\n"
        "                         unit      R,G,B / 127.5 - 1\n"
        "                         mxnet     R,G,B 0..255, mean 117\n"
        "                         none      R,G,B 0..255\n"
        "                         default: what the embedded model needs; none for a model of\n"
        "                         8-bit integers; imagenet for others\n"
        "  --scale S              a number, or a quotient such as 1/255\n"
        "  --mean M[,M,M]         in the order of the model's channels; for models of one channel\n"
        "  --std S[,S,S]          the average counts\n"
        "  --bgr, --rgb           order of the channels\n"
        "  --resize N             short side before the crop; default: 256/224 of the input's "
        "size\n"
        "  --crop center|none|N   middle of the resized image (N: must be the input's size), or\n"
        "                         none: stretch the image to the input's size; default: center\n"
        "\n"
        "Load and measurements\n"
        "  --repeat N             then classify all images N times more, and report the speed\n"
        "  --duration S           the same for S seconds\n"
        "  --profile              show the steps of one invocation\n"
        "  --trace FILE           write all steps as a Chrome trace\n"
        "\n"
        "  --help, --version\n"
        "\n"
        "Ctrl-C cancels what is not done, which is then reported as cancelled; a second one ends\n"
        "the program at once.\n"
        "\n"
        "Exit status: 0 all images classified, 1 some failed, 2 usage, 130 interrupted.\n",
        file);
}

static bool parse_integer(const char *name, const char *text, int64_t least, int64_t most,
                          int64_t *value, struct failure *failure)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool digit = text[0] >= '0' && text[0] <= '9'; /* no blanks, no sign */
    if (!digit || *end || errno || number < least || number > most)
        return failure_set(failure, "--%s '%s': must be an integer from %lld to %lld", name, text,
                           (long long)least, (long long)most);
    *value = number;
    return true;
}

/* A number or a quotient of two, up to a comma or the end, to which `text` is moved. */
static bool parse_quotient(const char **text, double *value)
{
    char *end;
    if (**text == ' ' || **text == '\t')
        return false;
    *value = strtod(*text, &end);
    if (end == *text)
        return false;
    if (*end == '/') {
        const char *divisor = end + 1;
        double number = strtod(divisor, &end);
        if (end == divisor || *divisor == ' ' || number == 0)
            return false;
        *value /= number;
    }
    *text = end;
    return isfinite(*value);
}

/* One value for all channels, or one for each. */
static bool parse_channels(const char *name, const char *text, double *values,
                           struct failure *failure)
{
    const char *next = text;
    int count = 0;
    bool good = true;
    while (good && count < PREPROCESS_MAX_CHANNELS) {
        good = parse_quotient(&next, &values[count++]);
        if (!good || *next != ',')
            break;
        next++;
        good = *next != '\0';
    }
    if (!good || *next || (count != 1 && count != PREPROCESS_MAX_CHANNELS))
        return failure_set(failure, "--%s '%s': must be one number or three with commas", name,
                           text);
    for (int i = count; i < PREPROCESS_MAX_CHANNELS; i++)
        values[i] = values[0];
    return true;
}

static bool parse_scale(const char *text, double *scale, struct failure *failure)
{
    const char *next = text;
    if (!parse_quotient(&next, scale) || *next || *scale == 0)
        return failure_set(failure, "--scale '%s': must be a number other than 0, or a quotient",
                           text);
    return true;
}

static bool parse_std(const char *text, double *std, struct failure *failure)
{
    if (!parse_channels("std", text, std, failure))
        return false;
    for (int i = 0; i < PREPROCESS_MAX_CHANNELS; i++)
        if (std[i] == 0)
            return failure_set(failure, "--std '%s': must not be 0", text);
    return true;
}

static bool parse_device(const char *text, cop_device *device, struct failure *failure)
{
    *device = (cop_device){COP_DEVICE_CPU, 0};
    if (strcmp(text, "cpu") == 0)
        return true;
    if (strcmp(text, "ref") == 0) {
        device->kind = COP_DEVICE_REF;
        return true;
    }
    device->kind = COP_DEVICE_GPU;
    if (strcmp(text, "gpu") == 0)
        return true;
    int64_t index = 0;
    if (strncmp(text, "gpu:", 4) != 0 ||
        !parse_integer("device", text + 4, 0, INT_MAX, &index, failure))
        return failure_set(failure, "--device '%s': must be cpu, ref, gpu or gpu:N", text);
    device->index = (int)index;
    return true;
}

/* The place of a word in a list that ends with NULL. */
static bool parse_word(const char *name, const char *const *words, const char *text, int *place,
                       struct failure *failure)
{
    for (*place = 0; words[*place]; ++*place)
        if (strcmp(words[*place], text) == 0)
            return true;
    char list[64] = "";
    for (int i = 0; words[i]; i++) {
        strcat(list, i == 0 ? "" : words[i + 1] ? ", " : " or ");
        strcat(list, words[i]);
    }
    return failure_set(failure, "--%s '%s': must be %s", name, text, list);
}

/* In the order of cop_precision and cop_gpu_kernels. */
static const char *const precisions[] = {"fp32", "tf32", "bf16", "fp16", NULL};
static const char *const kernels[] = {"auto", "own", "library", NULL};

static bool take_gpu(struct options *options, int code, const char *text, struct failure *failure)
{
    int place = 0;
    options->gpu_given = true;
    switch (code) {
    case OPTION_PRECISION:
        if (!parse_word("precision", precisions, text, &place, failure))
            return false;
        options->precision = (cop_precision)place;
        return true;
    case OPTION_KERNELS:
        if (!parse_word("kernels", kernels, text, &place, failure))
            return false;
        options->kernels = (cop_gpu_kernels)place;
        return true;
    default: /* OPTION_MODULE */
        options->module = text;
        return true;
    }
}

static bool parse_input_shape(const char *text, int64_t *shape, struct failure *failure)
{
    const char *next = text;
    for (int i = 0; i < 3; i++) {
        char *end;
        errno = 0;
        long long number = strtoll(next, &end, 10);
        if (*next < '0' || *next > '9' || errno || number < 1 || number > IMAGE_MAX_SIDE ||
            *end != (i < 2 ? ',' : '\0'))
            return failure_set(failure, "--input-shape '%s': must be C,H,W, each from 1 to %d",
                               text, IMAGE_MAX_SIDE);
        shape[i] = number;
        next = end + 1;
    }
    if (shape[0] != 1 && shape[0] != 3)
        return failure_set(failure, "--input-shape '%s': 1 or 3 channels are possible", text);
    return true;
}

static bool parse_duration(const char *text, double *seconds, struct failure *failure)
{
    char *end;
    *seconds = strtod(text, &end);
    if (end == text || *end || !(*seconds > 0 && *seconds <= MAX_DURATION_S))
        return failure_set(failure, "--duration '%s': must be seconds, more than 0 and at most %g",
                           text, MAX_DURATION_S);
    return true;
}

static bool parse_timeout(const char *text, int64_t *timeout_ns, struct failure *failure)
{
    char *end;
    double milliseconds = strtod(text, &end);
    if (end == text || *end || !(milliseconds > 0 && milliseconds <= MAX_TIMEOUT_MS))
        return failure_set(failure,
                           "--timeout '%s': must be milliseconds, more than 0 and at most %.0f",
                           text, MAX_TIMEOUT_MS);
    *timeout_ns = (int64_t)(milliseconds * 1e6);
    return true;
}

static bool parse_crop(const char *text, struct options *options, struct failure *failure)
{
    int64_t size = 0;
    options->stretch = strcmp(text, "none") == 0;
    options->crop = 0;
    if (options->stretch || strcmp(text, "center") == 0)
        return true;
    if (!parse_integer("crop", text, 1, IMAGE_MAX_SIDE, &size, failure))
        return failure_set(failure, "--crop '%s': must be center, none, or the input's size", text);
    options->crop = (int)size;
    return true;
}

static bool parse_preset(const char *text, struct options *options, struct failure *failure)
{
    struct preprocessing preprocessing;
    options->preset = text;
    return preprocess_preset(text, &preprocessing) ||
           failure_set(failure, "--preset '%s': must be imagenet, caffe, unit, mxnet or none",
                       text);
}

static bool take_preprocessing(struct options *options, int code, const char *text,
                               struct failure *failure)
{
    int64_t number = 0;
    switch (code) {
    case OPTION_PRESET:
        return parse_preset(text, options, failure);
    case OPTION_MEAN:
        options->mean_given = true;
        return parse_channels("mean", text, options->mean, failure);
    case OPTION_STD:
        options->std_given = true;
        return parse_std(text, options->std, failure);
    case OPTION_SCALE:
        options->scale_given = true;
        return parse_scale(text, &options->scale, failure);
    case OPTION_BGR:
    case OPTION_RGB:
        options->channel_order_given = true;
        options->bgr = code == OPTION_BGR;
        return true;
    case OPTION_RESIZE:
        if (!parse_integer("resize", text, 1, IMAGE_MAX_SIDE, &number, failure))
            return false;
        options->short_side = (int)number;
        return true;
    default: /* OPTION_CROP */
        return parse_crop(text, options, failure);
    }
}

static bool take_load(struct options *options, int code, const char *text, struct failure *failure)
{
    int64_t number = 0;
    switch (code) {
    case OPTION_REPEAT:
        if (!parse_integer("repeat", text, 1, MAX_REPEAT, &number, failure))
            return false;
        options->repeat = (uint64_t)number;
        return true;
    case OPTION_DURATION:
        return parse_duration(text, &options->duration_s, failure);
    case OPTION_TRACE:
        options->trace = text;
        return true;
    default: /* OPTION_PROFILE */
        options->profile = true;
        return true;
    }
}

static bool take_running(struct options *options, int code, const char *text,
                         struct failure *failure)
{
    int64_t number = 0;
    switch (code) {
    case OPTION_THREADS:
        if (!parse_integer("threads", text, 1, OPTIONS_MAX_THREADS, &number, failure))
            return false;
        options->threads = (int)number;
        return true;
    case OPTION_DEVICE:
        options->device_given = true;
        return parse_device(text, &options->device, failure);
    case OPTION_INPUT_SHAPE:
        options->input_shape_given = true;
        return parse_input_shape(text, options->input_shape, failure);
    case OPTION_ASYNC:
        options->async = true;
        return true;
    case OPTION_WORKERS:
        if (!parse_integer("workers", text, 0, MAX_WORKERS, &number, failure))
            return false;
        options->workers = (int)number;
        return true;
    case OPTION_TIMEOUT:
        return parse_timeout(text, &options->timeout_ns, failure);
    case OPTION_LABELS:
        options->labels = text;
        return true;
    case OPTION_TOP:
        if (!parse_integer("top", text, 1, MAX_TOP, &number, failure))
            return false;
        options->top = (size_t)number;
        return true;
    case OPTION_RAW:
        options->raw = true;
        return true;
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_HELP:
        options->help = true;
        return true;
    default: /* OPTION_VERSION */
        options->version = true;
        return true;
    }
}

static bool take_option(struct options *options, int code, const char *text,
                        struct failure *failure)
{
    if (code >= OPTION_PRESET && code <= OPTION_CROP)
        return take_preprocessing(options, code, text, failure);
    if (code >= OPTION_REPEAT && code <= OPTION_PROFILE)
        return take_load(options, code, text, failure);
    if (code >= OPTION_MODULE && code <= OPTION_KERNELS)
        return take_gpu(options, code, text, failure);
    return take_running(options, code, text, failure);
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), ending_length = strlen(ending);
    return length >= ending_length && strcasecmp(text + length - ending_length, ending) == 0;
}

/* By its name, or by its first bytes where the name says nothing. */
static bool is_image(const char *path)
{
    if (ends_with(path, ".onnx") || ends_with(path, ".json"))
        return false;
    if (ends_with(path, ".jpg") || ends_with(path, ".jpeg") || ends_with(path, ".png") ||
        ends_with(path, ".bmp"))
        return true;
    uint8_t start[8];
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    ssize_t size = -1;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
        size = read(descriptor, start, sizeof(start));
    close(descriptor);
    return size > 0 && image_format_of(start, (size_t)size) != IMAGE_UNKNOWN;
}

static bool take_operands(struct options *options, int count, char **operands,
                          struct failure *failure)
{
    if (count > 0 && !is_image(operands[0])) {
        options->model = operands[0];
        operands++;
        count--;
    }
    if (options->model && count > 0 &&
        (strcmp(operands[0], "0") == 0 || strcmp(operands[0], "1") == 0)) {
        if (options->device_given)
            return failure_set(failure, "both --device and '%s' choose a device", operands[0]);
        options->device.kind = operands[0][0] == '0' ? COP_DEVICE_CPU : COP_DEVICE_GPU;
        options->device_given = true;
        operands++;
        count--;
    }
    if (count == 0)
        return failure_set(failure, "no image");
    options->images = operands;
    options->image_count = (size_t)count;
    return true;
}

static bool check_combination(const struct options *options, struct failure *failure)
{
    if (options->repeat && options->duration_s > 0)
        return failure_set(failure, "--repeat and --duration exclude each other");
    if (options->workers >= 0 && !options->async)
        return failure_set(failure, "--workers are for --async only");
    if (options->gpu_given && options->device.kind != COP_DEVICE_GPU)
        return failure_set(failure,
                           "--precision, --kernels and --module are for --device gpu only");
    if (options->stretch && options->short_side)
        return failure_set(failure, "--crop none and --resize exclude each other");
    return true;
}

static bool describe_error(int code, char **arguments, struct failure *failure)
{
    const char *text = arguments[optind - 1];
    if (code == ':')
        return failure_set(failure, "%s: a value is missing", text);
    if (optopt >= OPTION_THREADS)
        return failure_set(failure, "%s: takes no value", text);
    if (optopt)
        return failure_set(failure, "unknown option -%c", optopt);
    return failure_set(failure, "unknown or ambiguous option %s", text);
}

bool options_parse(int argument_count, char **arguments, struct options *options,
                   struct failure *failure)
{
    *options = (struct options){.top = 5, .workers = -1, .timeout_ns = COP_NO_TIMEOUT};
    optind = 0; /* starts over: tests parse more than once */
    opterr = 0;
    for (;;) {
        int code = getopt_long(argument_count, arguments, ":h", option_table, NULL);
        if (code == -1)
            break;
        if (code == 'h')
            code = OPTION_HELP;
        if (code == ':' || code == '?')
            return describe_error(code, arguments, failure);
        if (!take_option(options, code, optarg, failure))
            return false;
        if (options->help || options->version)
            return true;
    }
    return take_operands(options, argument_count - optind, arguments + optind, failure) &&
           check_combination(options, failure);
}

struct preprocessing options_preprocessing(const struct options *options, const char *preset)
{
    struct preprocessing preprocessing = {.scale = 1, .std = {1, 1, 1}};
    preprocess_preset(options->preset ? options->preset : preset, &preprocessing);
    if (options->channel_order_given)
        preprocessing.bgr = options->bgr;
    if (options->scale_given)
        preprocessing.scale = options->scale;
    if (options->mean_given)
        memcpy(preprocessing.mean, options->mean, sizeof(preprocessing.mean));
    if (options->std_given)
        memcpy(preprocessing.std, options->std, sizeof(preprocessing.std));
    preprocessing.crop = options->stretch ? CROP_STRETCH : CROP_CENTER;
    preprocessing.short_side = options->short_side;
    return preprocessing;
}
