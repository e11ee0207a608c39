/* Winograd's convolutions against the direct ones, at every level, in arrays of exactly the size the kernels are told:
 * the sanitizers see what is read or written beside them, and NaN shows what is read before it is written. */
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "test.h"

#include <math.h>

static uint64_t state;

static int64_t draw(int64_t least, int64_t most)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return least + (int64_t)(state >> 33) % (most - least + 1);
}

/* N items of SIZE bytes, all NaN (or, as bytes, 255). */
static void *blank(int64_t n, size_t size)
{
    void *at;
    if (posix_memalign(&at, 64, n ? (size_t)n * size : 1) != 0) abort();
    memset(at, 255, (size_t)n * size);
    return at;
}

/* A convolution that Winograd's way fits. Few channels are parts of vectors; of many there are several panels. */
static cnn_conv2d draw_conv(void)
{
    int64_t k = draw(3, 5), up = draw(0, 3) ? 1 : 2, most = draw(0, 1) ? 70 : 9;
    bool same = draw(0, 1), pooled = draw(0, 1);
    cnn_conv2d c = {.n = draw(1, 3), .h = up * draw(k, 13), .w = up * draw(k, 13), .c = draw(1, most)};
    c.kh = c.kw = k;
    c.f = draw(1, most);
    c.groups = c.stride_h = c.stride_w = c.dilation_h = c.dilation_w = 1;
    c.oh = same ? c.h : c.h - k + 1;
    c.ow = same ? c.w : c.w - k + 1;
    c.pad_top = c.pad_left = same ? (k - 1) / 2 : 0;
    c.pool = !pooled ? 1 : k == 4 ? 3 : 2;
    c.up = up;
    c.activation = (const cnn_activation[]){CNN_LINEAR, CNN_RELU, CNN_SIGMOID, CNN_TANH}[draw(0, pooled ? 1 : 3)];
    return c;
}

#define DEFINE(T, suffix, tolerance)                                                                                   \
    static T *drawn_##suffix(int64_t n, double scale)                                                                  \
    {                                                                                                                  \
        T *a = blank(n, sizeof *a);                                                                                    \
        for (int64_t i = 0; i < n; i++) a[i] = (T)(scale * ((double)draw(0, 20000) / 10000 - 1));                      \
        return a;                                                                                                      \
    }                                                                                                                  \
                                                                                                                       \
    /* Compares N results of both ways, and frees them. */                                                             \
    static void compare_##suffix(int64_t n, T *const y[2])                                                             \
    {                                                                                                                  \
        double most = 1, error = 0;                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            most = fmax(most, fabs((double)y[0][i]));                                                                  \
            CHECK(isfinite(y[0][i]) && isfinite(y[1][i]));                                                             \
            error = fmax(error, fabs((double)y[1][i] - (double)y[0][i]));                                              \
        }                                                                                                              \
        CHECK(error <= tolerance * most);                                                                              \
        free(y[0]);                                                                                                    \
        free(y[1]);                                                                                                    \
    }                                                                                                                  \
                                                                                                                       \
    static void both_ways_##suffix(cnn_conv2d c)                                                                       \
    {                                                                                                                  \
        int64_t items = c.n * (c.oh / c.pool) * (c.ow / c.pool) * c.f, large = c.n * c.h * c.w * c.c;                  \
        int64_t weights = c.kh * c.kw * c.c * c.f;                                                                     \
        T *x = drawn_##suffix(large / (c.up * c.up), 1), *dy = drawn_##suffix(items, 1);                               \
        T *kernel = drawn_##suffix(weights, 1 / sqrt((double)(weights / c.f)));                                        \
        T *bias = drawn_##suffix(c.f, 1), *scale = drawn_##suffix(c.f, 2), *large_bias = drawn_##suffix(c.c, 1);       \
        T *small = drawn_##suffix(c.n * c.oh * c.ow * c.f, 1);                                                         \
        T *y[2], *dx[2], *dkernel[2], *dbias[2], *transposed[2];                                                       \
        uint8_t *place[2];                                                                                             \
        for (int way = 0; way < 2; way++) {                                                                            \
            c.algorithm = way ? CNN_CONV_WINOGRAD : CNN_CONV_DIRECT;                                                   \
            void *scratch[3];                                                                                          \
            for (int pass = 0; pass < 3; pass++)                                                                       \
                scratch[pass] = blank((int64_t)cnn_k()->conv2d_workspace(&c, (cnn_conv2d_pass)pass, sizeof(T)), 1);    \
            y[way] = blank(items, sizeof(T));                                                                          \
            place[way] = c.pool > 1 ? blank(items, 1) : NULL;                                                          \
            dx[way] = blank(large, sizeof(T));                                                                         \
            dkernel[way] = blank(weights, sizeof(T));                                                                  \
            dbias[way] = blank(c.f, sizeof(T));                                                                        \
            transposed[way] = blank(large, sizeof(T));                                                                 \
            cnn_k()->conv2d_forward_##suffix(&c, x, kernel, scale, bias, y[way], place[way], scratch[0]);              \
            cnn_k()->conv2d_backward_data_##suffix(&c, dy, y[0], place[0], kernel, dx[way], scratch[1]);               \
            cnn_k()->conv2d_backward_weights_##suffix(&c, x, dy, y[0], place[0], dkernel[way], dbias[way],             \
                                                      scratch[2]);                                                     \
            cnn_conv2d linear = c;                                                                                     \
            linear.activation = CNN_LINEAR;                                                                            \
            linear.pool = 1;                                                                                           \
            free(scratch[1]);                                                                                          \
            scratch[1] = blank((int64_t)cnn_k()->conv2d_workspace(&linear, CNN_CONV_BACKWARD_DATA, sizeof(T)), 1);     \
            cnn_k()->conv2d_transpose_##suffix(&linear, CNN_TANH, small, kernel, large_bias, transposed[way],          \
                                               scratch[1]);                                                            \
            for (int pass = 0; pass < 3; pass++) free(scratch[pass]);                                                  \
        }                                                                                                              \
        if (c.pool > 1 && sizeof(T) == 8) CHECK(memcmp(place[0], place[1], (size_t)items) == 0);                       \
        compare_##suffix(items, y);                                                                                    \
        compare_##suffix(large, dx);                                                                                   \
        compare_##suffix(weights, dkernel);                                                                            \
        compare_##suffix(c.f, dbias);                                                                                  \
        compare_##suffix(large, transposed);                                                                           \
        void *const used[] = {x, dy, kernel, bias, scale, large_bias, small, place[0], place[1]};                      \
        for (size_t i = 0; i < sizeof used / sizeof *used; i++) free(used[i]);                                         \
    }

DEFINE(float, f32, 2e-4)
DEFINE(double, f64, 1e-12)

static int rounds = 60;

TEST(winograd_equals_direct)
{
    for (int i = 0; i < rounds; i++) {
        state = (uint64_t)i * 1000003;
        draw(0, 1);
        cnn_conv2d c = draw_conv();
        int failed = failed_checks;
        both_ways_f32(c);
        both_ways_f64(c);
        if (failed_checks > failed)
            fprintf(stderr,
                    "round %d, %s: x %dx%dx%dx%d, kernel %d, filters %d, y %dx%d, pool %d, up %d, activation %d\n", i,
                    cnn_k()->level, (int)c.n, (int)c.h, (int)c.w, (int)c.c, (int)c.kh, (int)c.f, (int)c.oh, (int)c.ow,
                    (int)c.pool, (int)c.up, (int)c.activation);
    }
}

int main(int count, char **arguments)
{
    if (count > 1) rounds = atoi(arguments[1]);
    int levels;
    const char *const *names = cnn_kernels_levels(&levels);
    for (int i = 0; i < levels; i++) {
        CHECK(cnn_kernels_select(names[i]) == CNN_OK);
        for (int threads = 1; threads <= 3; threads += 2) {
            cnn_set_threads(threads);
            RUN(winograd_equals_direct);
        }
    }
    return DONE();
}
