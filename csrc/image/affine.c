/* See affine.h. Parallel over images; each is computed by one thread, so the bits do not depend on their number. */
#include "image/affine.h"

#include "kernels/kernels.h"
#include "runtime/parallel.h"

typedef struct {
    cnn_affine_image image;
    const void *x;
    const double *transforms;
    void *y;
    cnn_dtype dtype;
    int64_t n, pieces;
} job;

static void images(void *context, int64_t piece, int thread)
{
    const job *j = context;
    int64_t begin, end, size = j->image.h * j->image.w * j->image.c;
    (void)thread;
    cnn_piece_range(j->n, j->pieces, piece, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const double *t = j->transforms + i * CNN_AFFINE_NUMBERS;
        if (j->dtype == CNN_UINT8)
            cnn_k()->image_affine_u8(&j->image, t, (const uint8_t *)j->x + i * size, (float *)j->y + i * size);
        else if (j->dtype == CNN_FLOAT32)
            cnn_k()->image_affine_f32(&j->image, t, (const float *)j->x + i * size, (float *)j->y + i * size);
        else cnn_k()->image_affine_f64(&j->image, t, (const double *)j->x + i * size, (double *)j->y + i * size);
    }
}

cnn_status cnn_image_affine(cnn_tensor *x, cnn_tensor *transforms, int order, cnn_edge edge, double fill, double scale,
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
    if (s->dim[1] > 0 && s->dim[2] > INT32_MAX / s->dim[1])
        return cnn_fail(CNN_ERR_VALUE, "an image may have 2^31 - 1 pixels at most; got %s", cnn_shape_text(s, text));
    cnn_shape shape = *s;
    if (shape.dtype == CNN_UINT8) shape.dtype = CNN_FLOAT32;
    CNN_TRY(cnn_tensor_new(&shape, y));
    if ((*y)->size == 0) return CNN_OK;
    job j = {.x = x->data, .transforms = transforms->data, .y = (*y)->data, .dtype = s->dtype, .n = s->dim[0]};
    j.image = (cnn_affine_image){.h = s->dim[1], .w = s->dim[2], .c = s->dim[3], .order = order, .edge = edge};
    j.image.fill = fill;
    j.image.scale = scale;
    j.pieces = cnn_pieces((*y)->size, 4096);
    if (j.pieces > j.n) j.pieces = j.n;
    cnn_parallel(j.pieces, images, &j);
    return CNN_OK;
}
