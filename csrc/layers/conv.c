#include "layers/conv.h"

#include <stdio.h>
#include <string.h>

enum { X = CNN_CONV_X, KERNEL = CNN_CONV_KERNEL };
enum { LARGEST_STEP = 1 << 20, LARGEST_KERNEL = 1 << 16, LARGEST_UPSAMPLE = 64 };

const char *const cnn_conv_input_names[] = {"input", "kernel", "bias"};
const cnn_conv_attributes cnn_conv_defaults = {.strides = {1, {1}}, .dilation = {1, {1}}, .groups = 1, .upsample = 1};

static const char *const input_layouts[] = {"(batch, steps, channels)", "(batch, height, width, channels)",
                                            "(batch, depth, height, width, channels)"};
static const char *const kernel_layouts[2][3] = {
    {"(length, channels / groups, filters)", "(height, width, channels / groups, filters)",
     "(depth, height, width, channels / groups, filters)"},
    {"(length, filters, channels)", "(height, width, filters, channels)", "(depth, height, width, filters, channels)"}};
static const char *const axis_names[] = {"depth", "height", "width"};
static const char *const counts[] = {"one integer", "one integer or two (height, width)",
                                     "one integer or three (depth, height, width)"};

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static const char *axis_name(int rank, int axis)
{
    return rank == 1 ? "length" : axis_names[axis];
}

/* ---- checks ---- */

/* "(2, 2)" */
static const char *ints_text(const cnn_ints *value, char text[CNN_SHAPE_TEXT])
{
    int at = snprintf(text, CNN_SHAPE_TEXT, "(");
    for (int64_t i = 0; i < value->count && i < 3; i++)
        at += snprintf(text + at, (size_t)(CNN_SHAPE_TEXT - at), "%s%lld", i ? ", " : "", (long long)value->at[i]);
    snprintf(text + at, (size_t)(CNN_SHAPE_TEXT - at), value->count == 1 ? ",)" : ")");
    return text;
}

/* VALUE, one integer or RANK of them, for the last RANK axes; 1 for the others. */
static cnn_status spread(const char *name, const cnn_ints *value, int rank, int64_t out[3])
{
    char text[CNN_SHAPE_TEXT];
    if (value->count != 1 && value->count != rank)
        return cnn_fail(CNN_ERR_VALUE, "%s must be %s, got %d", name, counts[rank - 1], (int)value->count);
    out[0] = out[1] = 1;
    for (int i = 3 - rank; i < 3; i++) {
        out[i] = value->at[value->count == 1 ? 0 : i - (3 - rank)];
        if (out[i] < 1 || out[i] > LARGEST_STEP)
            return cnn_fail(CNN_ERR_VALUE, "%s must be positive (and at most %d), got %s", name, LARGEST_STEP,
                            ints_text(value, text));
    }
    return CNN_OK;
}

/* Channels and filters of an ordinary convolution. */
static cnn_status check_channels(const cnn_call *c, int rank, int64_t groups)
{
    char text[CNN_SHAPE_TEXT], kernel_text[CNN_SHAPE_TEXT];
    const cnn_shape *x = &c->in[X]->shape, *k = &c->in[KERNEL]->shape;
    long long channels = x->dim[rank + 1], filters = k->dim[rank + 1];
    if (groups < 1) return cnn_fail(CNN_ERR_VALUE, "groups must be positive, got %lld", (long long)groups);
    if (filters % groups)
        return cnn_fail(CNN_ERR_VALUE,
                        "%lld filter%s cannot be divided into %lld groups; choose filters as a multiple of groups, or "
                        "another groups",
                        filters, plural(filters), (long long)groups);
    if (channels % groups)
        return cnn_fail(
            CNN_ERR_VALUE,
            "input has %lld channel%s, which cannot be divided into %lld groups; got shape %s. Pass channels in a "
            "multiple of groups, or choose another groups",
            channels, plural(channels), (long long)groups, cnn_shape_text(x, text));
    long long expected = k->dim[rank] * groups;
    if (channels != expected)
        return cnn_fail(CNN_ERR_VALUE,
                        "input has %lld channel%s, its kernel expects %lld; got shape %s. Pass inputs "
                        "%s with %lld channels, or build the layer for %lld channel%s (kernel here: %s, groups %lld)",
                        channels, plural(channels), expected, cnn_shape_text(x, text), input_layouts[rank - 1],
                        expected, channels, plural(channels), cnn_shape_text(k, kernel_text), (long long)groups);
    return CNN_OK;
}

static cnn_status check_transposed_channels(const cnn_call *c, int rank)
{
    char text[CNN_SHAPE_TEXT], kernel_text[CNN_SHAPE_TEXT];
    const cnn_shape *x = &c->in[X]->shape, *k = &c->in[KERNEL]->shape;
    long long channels = x->dim[rank + 1], expected = k->dim[rank + 1];
    if (channels != expected)
        return cnn_fail(CNN_ERR_VALUE,
                        "input has %lld channel%s, its kernel expects %lld; got shape %s and kernel %s %s", channels,
                        plural(channels), expected, cnn_shape_text(x, text), kernel_layouts[1][rank - 1],
                        cnn_shape_text(k, kernel_text));
    return CNN_OK;
}

typedef struct {
    const char *name;
    int64_t kernel, stride, dilation, span;
} axis;

static cnn_status check_span(axis *a)
{
    if (a->kernel > LARGEST_KERNEL || (a->kernel - 1) * a->dilation >= LARGEST_KERNEL)
        return cnn_fail(CNN_ERR_VALUE, "a kernel of %s %lld with dilation %lld spans more than %d pixels", a->name,
                        (long long)a->kernel, (long long)a->dilation, LARGEST_KERNEL);
    a->span = (a->kernel - 1) * a->dilation + 1;
    return CNN_OK;
}

/* Half of what 'same' adds to SIZE for PLACES windows; the odd pixel comes at the end. */
static int64_t same_pad(const axis *a, int64_t size, int64_t places)
{
    int64_t total = (places - 1) * a->stride + a->span - size;
    return size > 0 && total > 0 ? total / 2 : 0;
}

/* How many windows there are along an axis of SIZE, and the padding before it. */
static cnn_status count_places(const cnn_call *c, const axis *a, int padding, int64_t size, int64_t *places,
                               int64_t *pad)
{
    char text[CNN_SHAPE_TEXT];
    if (padding != CNN_PADDING_VALID) {
        *places = size / a->stride + (size % a->stride != 0);
        *pad = padding == CNN_PADDING_SAME ? same_pad(a, size, *places) : a->span - 1;
        return CNN_OK;
    }
    if (a->span > size)
        return cnn_fail(
            CNN_ERR_VALUE,
            "a kernel of %s %lld%s is larger than the input's %s of %lld with padding 'valid'; got shape %s. Use "
            "padding='same', a smaller kernel, or larger images",
            a->name, (long long)a->span, a->dilation > 1 ? " (dilation included)" : "", a->name, (long long)size,
            cnn_shape_text(&c->in[X]->shape, text));
    *places = (size - a->span) / a->stride + 1;
    *pad = 0;
    return CNN_OK;
}

/* The size from which a convolution comes to PLACES windows. EXTRA: the output padding, or -1. */
static cnn_status count_size(const cnn_call *c, const axis *a, int padding, int64_t extra, int64_t places,
                             int64_t *size, int64_t *pad)
{
    char text[CNN_SHAPE_TEXT];
    const cnn_shape *x = &c->in[X]->shape;
    if (places < 1 || places > INT64_MAX / (2 * LARGEST_STEP))
        return cnn_fail(CNN_ERR_VALUE, "the input's %s must be positive and not beyond all bounds, got shape %s",
                        a->name, cnn_shape_text(x, text));
    int64_t steps = (places - 1) * a->stride;
    if (padding == CNN_PADDING_VALID) {
        *size = steps + (extra >= 0 ? a->span + extra : a->span > a->stride ? a->span : a->stride);
        *pad = 0;
        return CNN_OK;
    }
    *size = extra >= 0 ? steps + a->span % 2 + extra : steps + a->stride;
    *pad = same_pad(a, *size, places);
    if (*size < 1)
        return cnn_fail(CNN_ERR_VALUE, "the output would have a %s of 0; got shape %s. Raise output_padding", a->name,
                        cnn_shape_text(x, text));
    return CNN_OK;
}

/* The output padding along axis I, -1 if none is given. */
static cnn_status output_padding(const cnn_conv_attributes *a, int rank, int i, int64_t stride, int64_t *extra)
{
    char text[CNN_SHAPE_TEXT];
    const cnn_ints *value = &a->output_padding;
    *extra = -1;
    if (value->count == 0) return CNN_OK;
    if (value->count != 1 && value->count != rank)
        return cnn_fail(CNN_ERR_VALUE, "output_padding must be %s, got %d", counts[rank - 1], (int)value->count);
    *extra = value->at[value->count == 1 ? 0 : i - (3 - rank)];
    if (*extra < 0 || *extra >= stride)
        return cnn_fail(CNN_ERR_VALUE, "output_padding must be from 0 to below the strides, got %s with strides %s",
                        ints_text(value, text), ints_text(&a->strides, (char[CNN_SHAPE_TEXT]){0}));
    return CNN_OK;
}

/* Whether the planes that the kernels want can be allocated at all. */
static cnn_status check_planes(const cnn_conv *v)
{
    const cnn_conv_depth *d = &v->depth;
    const int64_t dim[] = {d->n, d->od, d->pixels, d->kd, d->groups, d->group_channels};
    cnn_shape planes = cnn_shape_of(CNN_FLOAT64, 6, dim);
    int64_t size;
    return cnn_shape_size(&planes, &size);
}

/* Turns the third axis into images. */
static cnn_status fold_depth(cnn_conv *v, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad)
{
    cnn_conv2d *p = &v->planes;
    v->folds = kernel > 1 || stride > 1;
    v->depth = (cnn_conv_depth){p->n,         v->size[0], p->h * p->w, p->groups, p->c / p->groups,
                                v->places[0], kernel,     stride,      dilation,  pad};
    CNN_TRY(check_planes(v));
    p->n *= v->places[0];
    p->c *= kernel;
    return CNN_OK;
}

/* A depthwise convolution with a few filters for each channel becomes one with repeated channels and a filter for each:
 * the taps of a depth whose planes are all the same. */
static cnn_status widen(cnn_conv *v)
{
    enum { MOST_FILTERS = 8 }; /* more fill the vectors of the ordinary kernels */
    cnn_conv2d *p = &v->planes;
    if (p->groups == 1 || p->groups != p->c || p->f == p->groups) return CNN_OK;
    int64_t filters = p->f / p->groups;
    if (filters > MOST_FILTERS) return CNN_OK;
    v->widens = true;
    v->depth = (cnn_conv_depth){p->n, 1, p->h * p->w, p->groups, 1, 1, filters, 1, 0, 0};
    CNN_TRY(check_planes(v));
    p->c = p->groups = p->f;
    return CNN_OK;
}

static cnn_status check_upsample(const cnn_call *c, int64_t factor)
{
    char text[CNN_SHAPE_TEXT];
    const cnn_shape *x = &c->in[X]->shape;
    if (factor < 1 || factor > LARGEST_UPSAMPLE)
        return cnn_fail(CNN_ERR_VALUE, "upsample must be from 1 to %d, got %lld", LARGEST_UPSAMPLE, (long long)factor);
    if (factor > 1 && ((const cnn_conv_attributes *)c->attrs)->groups != 1)
        return cnn_fail(CNN_ERR_VALUE, "upsample needs groups 1, got upsample %lld", (long long)factor);
    for (int i = 1; factor > 1 && i < x->ndim - 1; i++)
        if (x->dim[i] > INT64_MAX / (2 * LARGEST_STEP) / factor)
            return cnn_fail(CNN_ERR_VALUE, "input %s repeated %lld times is beyond all bounds", cnn_shape_text(x, text),
                            (long long)factor);
    return CNN_OK;
}

/* Checks everything but the bias. */
static cnn_status describe(const cnn_call *c, int rank, bool transposed, cnn_conv *v)
{
    const cnn_conv_attributes *a = c->attrs;
    int64_t stride[3], dilation[3], kernel[3] = {1, 1, 1}, pad[3] = {0}, extra;
    CNN_TRY(cnn_check_float(c, X));
    CNN_TRY(cnn_check_same_dtype(c, X, KERNEL));
    CNN_TRY(cnn_check_ndim(c, X, rank + 2, input_layouts[rank - 1]));
    CNN_TRY(cnn_check_ndim(c, KERNEL, rank + 2, kernel_layouts[transposed][rank - 1]));
    CNN_TRY(spread("strides", &a->strides, rank, stride));
    CNN_TRY(spread("dilation", &a->dilation, rank, dilation));
    CNN_TRY(check_upsample(c, a->upsample));
    const cnn_shape *x = &c->in[X]->shape, *k = &c->in[KERNEL]->shape;
    char text[CNN_SHAPE_TEXT];
    for (int d = 0; d < rank + 2; d++)
        if (k->dim[d] < 1)
            return cnn_fail(CNN_ERR_VALUE, "no dimension of the kernel %s may be 0, got shape %s",
                            kernel_layouts[transposed][rank - 1], cnn_shape_text(k, text));
    CNN_TRY(transposed ? check_transposed_channels(c, rank) : check_channels(c, rank, a->groups));
    for (int i = 0; i < 3 - rank; i++) v->size[i] = v->places[i] = 1;
    for (int i = 3 - rank; i < 3; i++) {
        int64_t given = x->dim[i - (3 - rank) + 1] * a->upsample;
        kernel[i] = k->dim[i - (3 - rank)];
        axis one = {axis_name(rank, i), kernel[i], stride[i], dilation[i], 1};
        CNN_TRY(check_span(&one));
        if (transposed) {
            v->places[i] = given;
            CNN_TRY(output_padding(a, rank, i, stride[i], &extra));
            CNN_TRY(count_size(c, &one, a->padding, extra, given, &v->size[i], &pad[i]));
        } else {
            v->size[i] = given;
            CNN_TRY(count_places(c, &one, a->padding, given, &v->places[i], &pad[i]));
        }
    }
    v->planes = (cnn_conv2d){
        .n = x->dim[0],
        .h = v->size[1],
        .w = v->size[2],
        .c = transposed ? k->dim[rank] : x->dim[rank + 1],
        .kh = kernel[1],
        .kw = kernel[2],
        .f = k->dim[rank + 1],
        .groups = transposed ? 1 : a->groups,
        .oh = v->places[1],
        .ow = v->places[2],
        .stride_h = stride[1],
        .stride_w = stride[2],
        .dilation_h = dilation[1],
        .dilation_w = dilation[2],
        .pad_top = pad[1],
        .pad_left = pad[2],
        .activation = transposed ? CNN_LINEAR : (cnn_activation)a->activation,
        .pool = 1,
        .up = a->upsample,
        .algorithm = cnn_conv_algorithm_now(),
    };
    v->folds = v->widens = false;
    if (rank == 3) return fold_depth(v, kernel[0], stride[0], dilation[0], pad[0]);
    return transposed ? CNN_OK : widen(v);
}

cnn_status cnn_conv_of(const cnn_call *c, bool transposed, cnn_conv *v)
{
    return describe(c, c->in[KERNEL]->shape.ndim - 2, transposed, v);
}

cnn_status cnn_conv_check(cnn_call *c, int rank, bool transposed)
{
    cnn_conv v;
    CNN_TRY(describe(c, rank, transposed, &v));
    int64_t filters = CNN_DIM(c, KERNEL, transposed ? rank : rank + 1), dim[5] = {CNN_DIM(c, X, 0)};
    CNN_TRY(cnn_check_vector(c, CNN_CONV_BIAS, filters, "one entry per filter of the kernel"));
    for (int i = 0; i < rank; i++) dim[1 + i] = (transposed ? v.size : v.places)[3 - rank + i];
    dim[1 + rank] = filters;
    c->out_shape[0] = cnn_shape_of(c->in[X]->shape.dtype, rank + 2, dim);
    return CNN_OK;
}

/* ---- passes ---- */

/* What a pass needs besides its arguments; planes are the large side as the kernels want it. */
typedef struct {
    void *scratch, *planes, *kernel;
} temporaries;

static bool gathers(const cnn_conv *v)
{
    return v->folds || v->widens;
}

static void drop(temporaries *t)
{
    cnn_free(t->scratch);
    cnn_free(t->planes);
    cnn_free(t->kernel);
}

static cnn_status take(const cnn_conv *v, cnn_conv2d_pass pass, cnn_dtype dtype, temporaries *t)
{
    const cnn_conv2d *p = &v->planes;
    size_t item = cnn_dtype_size(dtype);
    *t = (temporaries){.scratch = cnn_alloc(cnn_k()->conv2d_workspace(p, pass, item))};
    if (gathers(v)) t->planes = cnn_alloc((size_t)(p->n * p->h * p->w * p->c) * item);
    if (v->folds) t->kernel = cnn_alloc((size_t)(p->kh * p->kw * p->c / p->groups * p->f) * item);
    if (t->scratch && (t->planes || !gathers(v)) && (t->kernel || !v->folds)) return CNN_OK;
    drop(t);
    return CNN_ERR_MEMORY;
}

/* to[B, A, RUN bytes] = from[A, B, RUN bytes]. */
static void swap_axes(int64_t a, int64_t b, size_t run, const char *from, char *to)
{
    for (int64_t i = 0; i < a; i++)
        for (int64_t j = 0; j < b; j++) memcpy(to + (size_t)(j * a + i) * run, from + (size_t)(i * b + j) * run, run);
}

/* The weights of the images, [KH,KW,KD,C/groups,F], from those of the volume, [KD,KH,KW,C/groups,F], and back. */
static void fold_kernel(const cnn_conv *v, cnn_dtype dtype, bool back, const void *from, void *to)
{
    const cnn_conv2d *p = &v->planes;
    int64_t taps = p->kh * p->kw, kd = v->depth.kd;
    size_t run = (size_t)(v->depth.group_channels * p->f) * cnn_dtype_size(dtype);
    swap_axes(back ? taps : kd, back ? kd : taps, run, from, to);
}

/* The large side as the kernels want it: X itself, or the planes gathered from it. */
static const void *enter(const cnn_conv *v, cnn_dtype dtype, const void *x, const temporaries *t)
{
    if (!gathers(v)) return x;
    CNN_RUN(dtype, conv_gather_depth, &v->depth, x, t->planes);
    return t->planes;
}

static const void *enter_kernel(const cnn_conv *v, cnn_dtype dtype, const void *kernel, const temporaries *t)
{
    if (!v->folds) return kernel;
    fold_kernel(v, dtype, false, kernel, t->kernel);
    return t->kernel;
}

cnn_status cnn_conv_forward(const cnn_conv *v, cnn_dtype dtype, const void *x, const void *kernel, const void *scale,
                            const void *bias, void *y, uint8_t *place)
{
    temporaries t;
    CNN_TRY(take(v, CNN_CONV_FORWARD, dtype, &t));
    const void *planes = enter(v, dtype, x, &t), *weights = enter_kernel(v, dtype, kernel, &t);
    CNN_RUN(dtype, conv2d_forward, &v->planes, planes, weights, scale, bias, y, place, t.scratch);
    drop(&t);
    return CNN_OK;
}

cnn_status cnn_conv_backward_data(const cnn_conv *v, cnn_dtype dtype, const void *dy, const void *y,
                                  const uint8_t *place, const void *kernel, void *dx)
{
    temporaries t;
    CNN_TRY(take(v, CNN_CONV_BACKWARD_DATA, dtype, &t));
    const void *weights = enter_kernel(v, dtype, kernel, &t);
    CNN_RUN(dtype, conv2d_backward_data, &v->planes, dy, y, place, weights, gathers(v) ? t.planes : dx, t.scratch);
    if (gathers(v)) CNN_RUN(dtype, conv_scatter_depth, &v->depth, t.planes, dx);
    drop(&t);
    return CNN_OK;
}

cnn_status cnn_conv_backward_weights(const cnn_conv *v, cnn_dtype dtype, const void *x, const void *dy, const void *y,
                                     const uint8_t *place, void *dkernel, void *dbias)
{
    temporaries t;
    CNN_TRY(take(v, CNN_CONV_BACKWARD_WEIGHTS, dtype, &t));
    const void *planes = dkernel ? enter(v, dtype, x, &t) : x;
    void *weights = dkernel && v->folds ? t.kernel : dkernel;
    CNN_RUN(dtype, conv2d_backward_weights, &v->planes, planes, dy, y, place, weights, dbias, t.scratch);
    if (dkernel && v->folds) fold_kernel(v, dtype, true, t.kernel, dkernel);
    drop(&t);
    return CNN_OK;
}

cnn_status cnn_conv_transpose(const cnn_conv *v, cnn_dtype dtype, cnn_activation act, const void *small,
                              const void *kernel, const void *bias, void *large)
{
    temporaries t;
    CNN_TRY(take(v, CNN_CONV_BACKWARD_DATA, dtype, &t));
    const void *weights = enter_kernel(v, dtype, kernel, &t);
    if (v->folds) {
        const cnn_conv_depth *d = &v->depth;
        CNN_RUN(dtype, conv2d_backward_data, &v->planes, small, NULL, NULL, weights, t.planes, t.scratch);
        CNN_RUN(dtype, conv_scatter_depth, d, t.planes, large);
        CNN_RUN(dtype, bias_activation, act, d->n * d->d * d->pixels, d->group_channels, large, bias, large);
    } else {
        CNN_RUN(dtype, conv2d_transpose, &v->planes, act, small, weights, bias, large, t.scratch);
    }
    drop(&t);
    return CNN_OK;
}

/* ---- the gradients of an op ---- */

static cnn_status weight_gradients(cnn_call *c, const cnn_conv *v, const cnn_tensor *dy, const void *y,
                                   const uint8_t *place)
{
    enum { BIAS = CNN_CONV_BIAS };
    bool wants_kernel = c->needs_grad[KERNEL], wants_bias = c->in[BIAS] && c->needs_grad[BIAS];
    void *dkernel = NULL, *dbias = NULL;
    if (!wants_kernel && !wants_bias) return CNN_OK;
    if (wants_kernel) {
        CNN_TRY(cnn_tensor_new(&c->in[KERNEL]->shape, &c->grad_in[KERNEL]));
        dkernel = c->grad_in[KERNEL]->data;
    }
    if (wants_bias) {
        CNN_TRY(cnn_tensor_new(&c->in[BIAS]->shape, &c->grad_in[BIAS]));
        dbias = c->grad_in[BIAS]->data;
    }
    return cnn_conv_backward_weights(v, dy->shape.dtype, c->in[X]->data, dy->data, y, place, dkernel, dbias);
}

/* DX from the gradient of the repeated pixels, by way of memory that has room for it. */
static cnn_status repeated_data_gradient(const cnn_conv *v, cnn_dtype dtype, const void *dy, const void *y,
                                         const uint8_t *place, const void *kernel, void *dx)
{
    const cnn_conv2d *p = &v->planes;
    cnn_upsample2d back = {p->n, p->h / p->up, p->w / p->up, p->c, p->up, p->up, false};
    void *all = cnn_alloc((size_t)(p->n * p->h * p->w * p->c) * cnn_dtype_size(dtype));
    if (!all) return CNN_ERR_MEMORY;
    cnn_status status = cnn_conv_backward_data(v, dtype, dy, y, place, kernel, all);
    if (status == CNN_OK) CNN_RUN(dtype, upsample2d_backward, &back, all, dx);
    cnn_free(all);
    return status;
}

cnn_status cnn_conv_gradients(cnn_call *c, const cnn_conv *v, const cnn_tensor *dy, const void *y, const uint8_t *place)
{
    CNN_TRY(weight_gradients(c, v, dy, y, place));
    if (!c->needs_grad[X]) return CNN_OK;
    CNN_TRY(cnn_tensor_new(&c->in[X]->shape, &c->grad_in[X]));
    cnn_status (*back)(const cnn_conv *, cnn_dtype, const void *, const void *, const uint8_t *, const void *, void *) =
        v->planes.up > 1 ? repeated_data_gradient : cnn_conv_backward_data;
    return back(v, dy->shape.dtype, dy->data, y, place, c->in[KERNEL]->data, c->grad_in[X]->data);
}
