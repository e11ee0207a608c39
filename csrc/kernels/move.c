/* Copies between two layouts of the same elements: the one kernel under transpose, slice, concatenate, broadcast_to,
 * pad, flip, repeat and tile.
 *
 * The innermost loop is a memcpy, a fill, or a strided loop; where the two layouts want different innermost loops
 * (a transpose), tiles of 16 x 16 elements keep both in cache. Parallel over the outer loops. */
#include "kernels/level.h"

#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 16384
#define TILE 16

#define DEFINE_MOVE(T, suffix)                                                                                         \
    static void row_##suffix(int64_t n, const T *from, int64_t step_from, T *to, int64_t step_to)                      \
    {                                                                                                                  \
        if (step_from == 1 && step_to == 1) memcpy(to, from, (size_t)n * sizeof *to);                                  \
        else if (step_from == 0 && step_to == 1)                                                                       \
            for (int64_t i = 0; i < n; i++) to[i] = *from;                                                             \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) to[i * step_to] = from[i * step_from];                                     \
    }                                                                                                                  \
                                                                                                                       \
    /* The innermost loop NI x the loop MI: row by row, or by tiles where the source runs along the other one. */      \
    static void plane_##suffix(const int64_t m, int64_t from_m, int64_t to_m, int64_t n, int64_t from_n, int64_t to_n, \
                               const T *from, T *to)                                                                   \
    {                                                                                                                  \
        if (from_m != 1 || from_n == 1 || n < 4) {                                                                     \
            for (int64_t i = 0; i < m; i++) row_##suffix(n, from + i * from_m, from_n, to + i * to_m, to_n);           \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i0 = 0; i0 < m; i0 += TILE)                                                                       \
            for (int64_t j0 = 0; j0 < n; j0 += TILE) {                                                                 \
                int64_t i1 = i0 + TILE < m ? i0 + TILE : m, j1 = j0 + TILE < n ? j0 + TILE : n;                        \
                for (int64_t i = i0; i < i1; i++)                                                                      \
                    for (int64_t j = j0; j < j1; j++) to[i * to_m + j * to_n] = from[i + j * from_n];                  \
            }                                                                                                          \
    }

DEFINE_MOVE(uint8_t, 1)
DEFINE_MOVE(uint32_t, 4)
DEFINE_MOVE(uint64_t, 8)

typedef struct {
    int size;
    cnn_move loops;
    int64_t outer, pieces; /* turns of all loops but the last two */
    const char *from;
    char *to;
} job;

/* Turns [begin, end) of the loops outside the plane. */
static void piece_of_planes(void *context, int64_t piece, int thread)
{
    const job *j = context;
    const cnn_move *s = &j->loops;
    const int m = s->ndim - 2, n = s->ndim - 1;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->outer, j->pieces, piece, &begin, &end);
    for (int64_t turn = begin; turn < end; turn++) {
        int64_t from = 0, to = 0, rest = turn;
        for (int d = m - 1; d >= 0; d--) {
            int64_t at = rest % s->dim[d];
            rest /= s->dim[d];
            from += at * s->from[d];
            to += at * s->to[d];
        }
        const void *x = j->from + from * j->size;
        void *y = j->to + to * j->size;
#define PLANE(suffix) plane_##suffix(s->dim[m], s->from[m], s->to[m], s->dim[n], s->from[n], s->to[n], x, y)
        if (j->size == 1) PLANE(1);
        else if (j->size == 4) PLANE(4);
        else PLANE(8);
    }
}

void CNN_K(move)(int size, const cnn_move *loops, const void *from, void *to)
{
    job j = {.size = size, .from = from, .to = to};
    cnn_move *s = &j.loops;
    int64_t total = 1, longest = 0, cut;
    for (int d = 0; d < loops->ndim; d++) {
        total *= loops->dim[d];
        if (loops->dim[d] > 1) { /* a loop that follows on from the one outside it melts into it */
            int last = s->ndim - 1;
            if (last >= 0 && s->from[last] == loops->from[d] * loops->dim[d] &&
                s->to[last] == loops->to[d] * loops->dim[d]) {
                s->dim[last] *= loops->dim[d];
                s->from[last] = loops->from[d];
                s->to[last] = loops->to[d];
            } else {
                s->dim[last + 1] = loops->dim[d];
                s->from[last + 1] = loops->from[d];
                s->to[last + 1] = loops->to[d];
                s->ndim++;
            }
        }
    }
    if (total == 0) return;
    while (s->ndim < 2) { /* a plane needs two loops */
        memmove(s->dim + 1, s->dim, sizeof s->dim - sizeof *s->dim);
        memmove(s->from + 1, s->from, sizeof s->from - sizeof *s->from);
        memmove(s->to + 1, s->to, sizeof s->to - sizeof *s->to);
        s->dim[0] = 1;
        s->from[0] = s->to[0] = 0;
        s->ndim++;
    }
    /* Few outer turns: cut the longest loop in two, so that there is something to share out. */
    j.outer = 1;
    for (int d = 0; d < s->ndim - 2; d++) j.outer *= s->dim[d];
    cut = -1;
    for (int d = 0; d < s->ndim; d++)
        if (s->dim[d] > longest) longest = s->dim[cut = d];
    if (j.outer < 32 && total >= 2 * GRAIN && s->ndim < CNN_MAX_LOOPS && cut >= s->ndim - 2) {
        int64_t parts = 1, most = cnn_pieces(total, GRAIN);
        while (parts * 2 <= most && longest % (parts * 2) == 0) parts *= 2;
        if (parts > 1) {
            for (int d = s->ndim; d > 0; d--) {
                s->dim[d] = s->dim[d - 1];
                s->from[d] = s->from[d - 1];
                s->to[d] = s->to[d - 1];
            }
            s->ndim++;
            cut++;
            s->dim[cut] = longest / parts;
            s->dim[0] = parts;
            s->from[0] = s->from[cut] * s->dim[cut];
            s->to[0] = s->to[cut] * s->dim[cut];
            j.outer *= parts;
        }
    }
    j.pieces = cnn_pieces(total, GRAIN);
    if (j.pieces > j.outer) j.pieces = j.outer;
    cnn_parallel(j.pieces, piece_of_planes, &j);
}
