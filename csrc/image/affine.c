/* See affine.h. Parallel over images; each is computed by one thread, so the bits do not depend on their number. */
#include "image/affine.h"

#include "runtime/parallel.h"

#include <math.h>

typedef struct {
    const void *x;
    const double *transforms;
    void *y;
    int64_t n, h, w, c, pieces;
    int order;
    cnn_edge edge;
    double fill;
} job;

/* Where the axis of N pixels is read for place X, in [0, n - 1]; false: nowhere, the result is the filling. */
static inline bool mapped(cnn_edge edge, double x, int64_t n, double *out)
{
    double last = (double)(n - 1);
    if (!(x >= 0 && x <= last)) {
        if (edge == CNN_EDGE_CONSTANT || !(fabs(x) < 1e15)) return false;
        if (edge == CNN_EDGE_NEAREST || n == 1) {
            x = x < 0 ? 0 : last;
        } else if (edge == CNN_EDGE_REFLECT) {
            double period = 2.0 * (double)n;
            x -= period * floor(x / period);
            if (x >= (double)n) x = period - x - 1;
        } else {
            if (x < 0) x += last * ((double)(int64_t)(-x / last) + 1);
            else x -= last * (double)(int64_t)(x / last);
        }
        x = x < 0 ? 0 : x > last ? last : x;
    }
    *out = x;
    return true;
}

#define DEFINE_AFFINE(FROM, TO, suffix)                                                                                \
    static inline void pixel_##suffix(const job *j, const FROM *x, double row, double column, TO *y)                   \
    {                                                                                                                  \
        const int64_t h = j->h, w = j->w, c = j->c;                                                                    \
        if (!mapped(j->edge, row, h, &row) || !mapped(j->edge, column, w, &column)) {                                  \
            for (int64_t k = 0; k < c; k++) y[k] = (TO)j->fill;                                                        \
            return;                                                                                                    \
        }                                                                                                              \
        if (j->order == 0) {                                                                                           \
            const FROM *from = x + ((int64_t)(row + 0.5) * w + (int64_t)(column + 0.5)) * c;                           \
            for (int64_t k = 0; k < c; k++) y[k] = (TO)from[k];                                                        \
            return;                                                                                                    \
        }                                                                                                              \
        int64_t top = (int64_t)row, left = (int64_t)column;                                                            \
        double low = row - (double)top, right = column - (double)left;                                                 \
        int64_t down = top + 1 < h ? w * c : 0, aside = left + 1 < w ? c : 0; /* else their share is 0 */              \
        const FROM *from = x + (top * w + left) * c;                                                                   \
        double a = (1 - low) * (1 - right), b = (1 - low) * right, d = low * (1 - right), e = low * right;             \
        for (int64_t k = 0; k < c; k++)                                                                                \
            y[k] = (TO)((double)from[k] * a + (double)from[k + aside] * b + (double)from[k + down] * d +               \
                        (double)from[k + down + aside] * e);                                                           \
    }                                                                                                                  \
                                                                                                                       \
    static void shift_##suffix(int64_t size, double by, TO *y)                                                         \
    {                                                                                                                  \
        TO least = y[0], most = y[0], add = (TO)by;                                                                    \
        for (int64_t i = 1; i < size; i++) {                                                                           \
            least = y[i] < least ? y[i] : least;                                                                       \
            most = y[i] > most ? y[i] : most;                                                                          \
        }                                                                                                              \
        for (int64_t i = 0; i < size; i++) {                                                                           \
            TO value = y[i] + add;                                                                                     \
            y[i] = value < least ? least : value > most ? most : value;                                                \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static void images_##suffix(void *context, int64_t piece, int thread)                                              \
    {                                                                                                                  \
        const job *j = context;                                                                                        \
        int64_t begin, end, size = j->h * j->w * j->c;                                                                 \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->n, j->pieces, piece, &begin, &end);                                                         \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const FROM *x = (const FROM *)j->x + i * size;                                                             \
            const double *t = j->transforms + i * CNN_AFFINE_NUMBERS;                                                  \
            TO *y = (TO *)j->y + i * size;                                                                             \
            for (int64_t r = 0; r < j->h; r++)                                                                         \
                for (int64_t q = 0; q < j->w; q++) {                                                                   \
                    double row = (double)(t[8] != 0 ? j->h - 1 - r : r);                                               \
                    double column = (double)(t[7] != 0 ? j->w - 1 - q : q);                                            \
                    pixel_##suffix(j, x, t[2] + row * t[0] + column * t[1], t[5] + row * t[3] + column * t[4],         \
                                   y + (r * j->w + q) * j->c);                                                         \
                }                                                                                                      \
            if (!isnan(t[6])) shift_##suffix(size, t[6], y);                                                           \
        }                                                                                                              \
    }

DEFINE_AFFINE(uint8_t, float, u8)
DEFINE_AFFINE(float, float, f32)
DEFINE_AFFINE(double, double, f64)

cnn_status cnn_image_affine(cnn_tensor *x, cnn_tensor *transforms, int order, cnn_edge edge, double fill,
                            cnn_tensor **y)
{
    const cnn_shape *s = &x->shape, *t = &transforms->shape;
    char text[CNN_SHAPE_TEXT];
    if (s->ndim != 4)
        return cnn_fail(CNN_ERR_VALUE, "images must have shape (batch, height, width, channels); got %s",
                        cnn_shape_text(s, text));
    if (s->dtype != CNN_UINT8 && !cnn_dtype_is_float(s->dtype))
        return cnn_fail(CNN_ERR_TYPE, "images must be uint8, float32 or float64; got %s", cnn_dtype_name(s->dtype));
    if (t->dtype != CNN_FLOAT64 || t->ndim != 2 || t->dim[0] != s->dim[0] || t->dim[1] != CNN_AFFINE_NUMBERS)
        return cnn_fail(CNN_ERR_VALUE, "transforms must be float64 of shape (batch, %d) for %lld images; got %s",
                        CNN_AFFINE_NUMBERS, (long long)s->dim[0], cnn_shape_text(t, text));
    if (order != 0 && order != 1) return cnn_fail(CNN_ERR_VALUE, "order must be 0 or 1; got %d", order);
    cnn_shape shape = *s;
    if (shape.dtype == CNN_UINT8) shape.dtype = CNN_FLOAT32;
    CNN_TRY(cnn_tensor_new(&shape, y));
    if ((*y)->size == 0) return CNN_OK;
    job j = {.x = x->data, .transforms = transforms->data, .y = (*y)->data, .n = s->dim[0], .h = s->dim[1]};
    j.w = s->dim[2];
    j.c = s->dim[3];
    j.order = order;
    j.edge = edge;
    j.fill = fill;
    j.pieces = cnn_pieces((*y)->size, 4096);
    if (j.pieces > j.n) j.pieces = j.n;
    cnn_parallel(j.pieces, s->dtype == CNN_UINT8 ? images_u8 : s->dtype == CNN_FLOAT32 ? images_f32 : images_f64, &j);
    return CNN_OK;
}
