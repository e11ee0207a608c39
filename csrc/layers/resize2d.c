/* Images in another size: x[N,H,W,C] -> y[N,size[0],size[1],C].
 *
 * Each axis is resampled by a table of the pixels that a result takes and their weights; the other axis follows. Pixels
 * are areas: the centre of result i lies at (i + 1/2) * in / out of the input. The tables are those of TensorFlow's
 * tf.image.resize: weights of pixels outside are left out and the others brought to a sum of 1; with antialias the
 * kernel is as much wider as the image gets smaller. Backward resamples with the transposed tables. */
#include "layers/common.h"

#include <math.h>

typedef struct {
    cnn_ints size;
    int interpolation;
    bool antialias;
} attributes;

enum { NEAREST, BILINEAR, BICUBIC, LANCZOS3, LANCZOS5, AREA };
enum { LARGEST_SIZE = 1 << 24 };

/* ---- the weights of one axis ---- */

static double sinc_window(double x, double radius)
{
    double t = M_PI * x;
    return fabs(x) >= radius ? 0 : t == 0 ? 1 : radius * sin(t) * sin(t / radius) / (t * t);
}

/* The kernel of INTERPOLATION at distance X from a result's centre. */
static double kernel_at(int interpolation, double x)
{
    x = fabs(x);
    switch (interpolation) {
    case BILINEAR: return x < 1 ? 1 - x : 0;
    case BICUBIC: /* Keys, a = -1/2 */
        if (x >= 2) return 0;
        return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1;
    case LANCZOS3: return sinc_window(x, 3);
    default: return sinc_window(x, 5);
    }
}

static double radius_of(int interpolation)
{
    return interpolation == BILINEAR ? 1 : interpolation == BICUBIC ? 2 : interpolation == LANCZOS3 ? 3 : 5;
}

typedef struct {
    int64_t *first, *count; /* one block of memory, first its start */
    double *weight;
    cnn_taps taps;
} table;

static cnn_status table_new(int64_t in, int64_t out, int64_t most, table *t)
{
    size_t items, bytes;
    if (most > in) most = in;
    if (most < 1) most = 1;
    if (__builtin_mul_overflow((size_t)out, (size_t)most + 2, &items) || __builtin_mul_overflow(items, 8, &bytes))
        return cnn_fail(CNN_ERR_MEMORY, "resizing %lld pixels to %lld is too large", (long long)in, (long long)out);
    t->first = cnn_alloc_zero(bytes ? bytes : 8);
    if (!t->first) return CNN_ERR_MEMORY;
    t->count = t->first + out;
    t->weight = (double *)(t->count + out);
    t->taps = (cnn_taps){in, out, most, t->first, t->count, t->weight};
    return CNN_OK;
}

/* Brings the weights of result I to a sum of 1. */
static void normalize(table *t, int64_t i)
{
    double sum = 0, *w = t->weight + i * t->taps.most;
    for (int64_t k = 0; k < t->count[i]; k++) sum += w[k];
    if (fabs(sum) > 1e-30)
        for (int64_t k = 0; k < t->count[i]; k++) w[k] /= sum;
}

static void fill_area(table *t, double scale, int64_t i)
{
    double begin = (double)i * scale, end = begin + scale;
    int64_t last = t->taps.in - 1, low = (int64_t)floor(begin), high = (int64_t)ceil(end) - 1;
    low = low > last ? last : low;
    high = high > last ? last : high < low ? low : high;
    t->first[i] = low;
    for (int64_t j = low; j <= high && t->count[i] < t->taps.most; j++) {
        double from = begin > (double)j ? begin : (double)j, to = end < (double)j + 1 ? end : (double)j + 1;
        t->weight[i * t->taps.most + t->count[i]++] = to > from ? to - from : 0;
    }
}

static void fill_kernel(table *t, int interpolation, double scale, double widen, int64_t i)
{
    double centre = ((double)i + 0.5) * scale, radius = radius_of(interpolation) * widen;
    int64_t last = t->taps.in - 1;
    int64_t low = (int64_t)ceil(centre - radius - 0.5), high = (int64_t)floor(centre + radius - 0.5);
    low = low < 0 ? 0 : low > last ? last : low;
    high = high > last ? last : high < low ? low : high;
    t->first[i] = low;
    for (int64_t j = low; j <= high && t->count[i] < t->taps.most; j++)
        t->weight[i * t->taps.most + t->count[i]++] = kernel_at(interpolation, ((double)j + 0.5 - centre) / widen);
}

static cnn_status table_of(const attributes *a, int64_t in, int64_t out, table *t)
{
    double scale = (double)in / (double)out;
    double widen = a->antialias && scale > 1 ? scale : 1;
    int64_t most = a->interpolation == NEAREST ? 1
                   : a->interpolation == AREA  ? (int64_t)ceil(scale) + 1
                                               : (int64_t)ceil(2 * radius_of(a->interpolation) * widen) + 1;
    CNN_TRY(table_new(in, out, most, t));
    for (int64_t i = 0; i < out; i++) {
        if (a->interpolation == NEAREST) { /* in float32, as others round it */
            int64_t j = (int64_t)floorf(((float)i + 0.5f) * ((float)in / (float)out));
            t->first[i] = j < in ? j : in - 1;
            t->count[i] = 1;
            t->weight[i * t->taps.most] = 1;
            continue;
        }
        if (a->interpolation == AREA) fill_area(t, scale, i);
        else if (a->interpolation == BILINEAR && widen == 1) { /* the edge's pixel stands for those outside */
            double place = ((double)i + 0.5) * scale - 0.5, share = place - floor(place);
            int64_t low = (int64_t)floor(place), high = low + 1;
            low = low < 0 ? 0 : low;
            high = high >= in ? in - 1 : high;
            t->first[i] = low;
            t->count[i] = high > low ? 2 : 1;
            t->weight[i * t->taps.most] = high > low ? 1 - share : 1;
            if (high > low) t->weight[i * t->taps.most + 1] = share;
            continue;
        } else fill_kernel(t, a->interpolation, scale, widen, i);
        normalize(t, i);
    }
    return CNN_OK;
}

/* The table that leads back: what of each result a pixel gave. Results that take a pixel lie side by side. */
static cnn_status transposed(const table *t, table *back)
{
    int64_t in = t->taps.in, out = t->taps.out, most = 1;
    int64_t *reach = cnn_alloc_zero((size_t)in * 2 * sizeof *reach); /* first and end, of each pixel */
    if (!reach) return CNN_ERR_MEMORY;
    for (int64_t i = 0; i < out; i++) {
        for (int64_t k = 0; k < t->count[i]; k++) {
            int64_t *r = reach + 2 * (t->first[i] + k);
            if (r[1] == 0) r[0] = i;
            r[1] = i + 1;
            if (r[1] - r[0] > most) most = r[1] - r[0];
        }
    }
    cnn_status status = table_new(out, in, most, back);
    for (int64_t j = 0; status == CNN_OK && j < in; j++) {
        back->first[j] = reach[2 * j];
        back->count[j] = reach[2 * j + 1] - reach[2 * j];
        for (int64_t k = 0; k < back->count[j]; k++) {
            int64_t i = back->first[j] + k, at = j - t->first[i];
            if (at >= 0 && at < t->count[i]) back->weight[j * back->taps.most + k] = t->weight[i * t->taps.most + at];
        }
    }
    cnn_free(reach);
    return status;
}

/* ---- the op ---- */

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 0));
    CNN_TRY(cnn_check_ndim(c, 0, 4, "(batch, height, width, channels)"));
    if (a->size.count != 2)
        return cnn_fail(CNN_ERR_VALUE, "size must be two integers (height, width), got %d", (int)a->size.count);
    c->out_shape[0] = *x;
    for (int i = 0; i < 2; i++) {
        if (a->size.at[i] < 1 || a->size.at[i] > LARGEST_SIZE)
            return cnn_fail(CNN_ERR_VALUE, "size must be in [1, %d], got %lld", LARGEST_SIZE, (long long)a->size.at[i]);
        if (x->dim[1 + i] < 1)
            return cnn_fail(CNN_ERR_VALUE, "images without pixels cannot be resized, got shape %s",
                            cnn_shape_text(x, text));
        c->out_shape[0].dim[1 + i] = a->size.at[i];
    }
    return CNN_OK;
}

/* FROM[n,h,w,c] to TO by the tables of both axes, the one that leaves less to do first. */
static cnn_status apply(const cnn_tensor *from, cnn_tensor *to, const cnn_taps *rows, const cnn_taps *columns)
{
    cnn_dtype dtype = from->shape.dtype;
    int64_t n = from->shape.dim[0], channels = from->shape.dim[3];
    if (from->size == 0 || to->size == 0) return CNN_OK;
    cnn_tensor *between;
    cnn_shape shape = from->shape;
    if (rows->out * columns->in <= rows->in * columns->out) {
        shape.dim[1] = rows->out;
        CNN_TRY(cnn_tensor_new(&shape, &between));
        CNN_RUN(dtype, resample, rows, n, columns->in * channels, from->data, between->data);
        CNN_RUN(dtype, resample, columns, n * rows->out, channels, between->data, to->data);
    } else {
        shape.dim[2] = columns->out;
        CNN_TRY(cnn_tensor_new(&shape, &between));
        CNN_RUN(dtype, resample, columns, n * rows->in, channels, from->data, between->data);
        CNN_RUN(dtype, resample, rows, n, columns->out * channels, between->data, to->data);
    }
    cnn_tensor_release(between);
    return CNN_OK;
}

static cnn_status tables_of(const cnn_call *c, table *rows, table *columns)
{
    const attributes *a = c->attrs;
    const int64_t *x = c->in[0]->shape.dim;
    CNN_TRY(table_of(a, x[1], a->size.at[0], rows));
    cnn_status status = table_of(a, x[2], a->size.at[1], columns);
    if (status != CNN_OK) cnn_free(rows->first);
    return status;
}

static cnn_status forward(cnn_call *c)
{
    table rows, columns;
    CNN_TRY(tables_of(c, &rows, &columns));
    cnn_status status = apply(c->in[0], c->out[0], &rows.taps, &columns.taps);
    cnn_free(rows.first);
    cnn_free(columns.first);
    return status;
}

static cnn_status backward(cnn_call *c)
{
    table rows, columns, back_rows = {0}, back_columns = {0};
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (c->grad_in[0]->size == 0) return CNN_OK;
    CNN_TRY(tables_of(c, &rows, &columns));
    cnn_status status = transposed(&rows, &back_rows);
    if (status == CNN_OK) status = transposed(&columns, &back_columns);
    if (status == CNN_OK) status = apply(c->grad_out[0], c->grad_in[0], &back_rows.taps, &back_columns.taps);
    cnn_free(rows.first);
    cnn_free(columns.first);
    cnn_free(back_rows.first);
    cnn_free(back_columns.first);
    return status;
}

static const char *const interpolations[] = {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area", NULL};
static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"size", CNN_ATTR_INTS, offsetof(attributes, size), NULL},
    {"interpolation", CNN_ATTR_ENUM, offsetof(attributes, interpolation), interpolations},
    {"antialias", CNN_ATTR_BOOL, offsetof(attributes, antialias), NULL},
};
static const attributes defaults = {{0, {0}}, BILINEAR, false};

const cnn_op cnn_op_resize2d = {
    .name = "resize2d",
    .doc = "resize2d(x, *, size, interpolation='bilinear', antialias=False): x[batch, height, width, channels] with "
           "size = (height, width); 'nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5' or 'area'. float32 or "
           "float64.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_NOTHING,
    .check = check,
    .forward = forward,
    .backward = backward,
};
