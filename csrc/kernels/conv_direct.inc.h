/* See conv_direct.c; included once per type. */
#define TILE_SUMS 0
#include "kernels/conv_tile.inc.h"

#include "kernels/conv_depthwise_tile.inc.h"
#undef TILE_SUMS
#include "kernels/conv_pool.inc.h"
#include "kernels/conv_rows.inc.h"

typedef struct {
    const conv_direct_plan *plan;
    R(conv_image) in;
    const REAL *kernel, *scale; /* scale: of each filter; NULL: 1 */
    REAL *out, *packed, *bias, *copies;
    uint8_t *place; /* where the largest values of the pool were */
    bool has_bias, stream;
    cnn_activation activation;
} R(direct_job);

/* ---- weights: packed[group][phase][panel][tap h][tap w][group_in][columns of the panel] ---- */

/* Where the panels of a group and phase begin. */
static REAL *R(packed_phase)(const R(direct_job) * j, int64_t group, const conv_phase *h, const conv_phase *w)
{
    const conv_direct_plan *p = j->plan;
    int64_t taps = conv_taps_before(&p->h, h) * p->w.kernel + h->taps * conv_taps_before(&p->w, w);
    return j->packed + (group * p->h.kernel * p->w.kernel + taps) * p->group_in * p->group_out_packed;
}

static int64_t R(panel_columns)(const conv_direct_plan *p, int64_t panel)
{
    int64_t rest = p->group_out_packed - panel * p->wide;
    return rest < p->wide ? rest : p->wide;
}

/* The COLUMNS outputs from FIRST of one tap: to[group_in][columns]. */
static void R(pack_tap)(const R(direct_job) * j, int64_t kh, int64_t kw, int64_t group, int64_t first, int64_t columns,
                        REAL *to)
{
    const conv_direct_plan *p = j->plan;
    int64_t real = p->group_out - first < columns ? p->group_out - first : columns;
    if (real < columns) memset(to, 0, (size_t)(p->group_in * columns) * sizeof *to);
    if (!p->h.backward || p->depthwise) {
        const REAL *from =
            j->kernel + (kh * p->w.kernel + kw) * p->group_in * p->out_channels + group * p->group_out + first;
        const REAL *scale = j->scale ? j->scale + group * p->group_out + first : NULL;
        for (int64_t i = 0; i < p->group_in; i++, from += p->out_channels, to += columns) {
            memcpy(to, from, (size_t)real * sizeof *to);
            for (int64_t o = 0; scale && o < real; o++) to[o] *= scale[o];
        }
        return;
    }
    const REAL *from =
        j->kernel + ((kh * p->w.kernel + kw) * p->group_out + first) * p->in_channels + group * p->group_in;
    for (int64_t o = 0; o < real; o++, from += p->in_channels)
        for (int64_t i = 0; i < p->group_in; i++) to[i * columns + o] = from[i];
}

static void R(pack_piece)(void *context, int64_t piece, int thread)
{
    const R(direct_job) *j = context;
    const conv_direct_plan *p = j->plan;
    int64_t panel = piece % p->panels, group = piece / p->panels, columns = R(panel_columns)(p, panel);
    (void)thread;
    for (int64_t ph = 0; ph < conv_phases(&p->h); ph++)
        for (int64_t pw = 0; pw < conv_phases(&p->w); pw++) {
            conv_phase h = conv_phase_of(&p->h, ph), w = conv_phase_of(&p->w, pw);
            REAL *to = R(packed_phase)(j, group, &h, &w) + h.taps * w.taps * p->group_in * panel * p->wide;
            for (int64_t th = 0; th < h.taps; th++)
                for (int64_t tw = 0; tw < w.taps; tw++, to += p->group_in * columns) {
                    int64_t kh = h.first + (p->h.backward ? h.taps - 1 - th : th) * h.tap_stride;
                    int64_t kw = w.first + (p->w.backward ? w.taps - 1 - tw : tw) * w.tap_stride;
                    R(pack_tap)(j, kh, kw, group, panel * p->wide, columns, to);
                }
        }
}

static void R(pack)(R(direct_job) * j, const REAL *bias)
{
    const conv_direct_plan *p = j->plan;
    int64_t pieces = p->groups * p->panels;
    if (p->packed_items > 32768) cnn_parallel(pieces, R(pack_piece), j);
    else
        for (int64_t i = 0; i < pieces; i++) R(pack_piece)(j, i, 0);
    j->has_bias = bias != NULL;
    if (!bias) return;
    memset(j->bias, 0, p->bias_items * sizeof *bias);
    for (int64_t g = 0; g < p->groups; g++)
        memcpy(j->bias + g * p->group_out_packed, bias + g * p->group_out, (size_t)p->group_out * sizeof *bias);
}

/* ---- the work ---- */

/* A unit: its part of the grid, and where what it reads lies. */
typedef struct {
    int64_t image, row, rows, column, columns;
    const REAL *in; /* grid position (row, column), offset 0 */
    int64_t pitch;  /* items from one row of it to the next */
} R(unit);

static R(unit) R(unit_of)(const R(direct_job) * j, int64_t index, REAL *copy)
{
    const conv_direct_plan *p = j->plan;
    const conv_reach *rh = &p->reach_h, *rw = &p->reach_w;
    int64_t uw = index % p->units_w, uh = index / p->units_w % p->units_h;
    R(unit) u = {.image = index / p->units_w / p->units_h, .row = uh * p->unit_rows, .column = uw * p->unit_columns};
    u.rows = rh->count - u.row < p->unit_rows ? rh->count - u.row : p->unit_rows;
    u.columns = rw->count - u.column < p->unit_columns ? rw->count - u.column : p->unit_columns;
    int64_t row = u.row * rh->in_step + rh->low, rows = (u.rows - 1) * rh->in_step + rh->high - rh->low;
    int64_t column = u.column * rw->in_step + rw->low, columns = (u.columns - 1) * rw->in_step + rw->high - rw->low;
    int64_t w = p->w.size_in, channels = p->in_channels;
    R(conv_image) image = R(conv_image_at)(&j->in, u.image);
    bool inside = row >= 0 && column >= 0 && row + rows <= p->h.size_in && column + columns <= w;
    if (inside && p->gate == CNN_LINEAR && image.pool == 1 && image.up == 1) {
        u.pitch = w * channels;
        u.in = image.pixels + u.row * rh->in_step * u.pitch + u.column * rw->in_step * channels;
        return u;
    }
    R(conv_copy)(&image, row, column, rows, columns, copy);
    u.pitch = columns * channels;
    u.in = copy - rh->low * u.pitch - rw->low * channels;
    return u;
}

/* One panel of outputs of a unit, pooled: the tiles of POOL rows go to a block on the stack, and from there the largest
 * of each window out. A: the input of the unit's first tile. */
static void R(pooled_panel)(const R(direct_job) * j, const R(unit) * u, int64_t group, int64_t panel,
                            const REAL *packed, const R(tile_fn) * fns, int64_t most, const REAL *a, R(tile) * t)
{
    const conv_direct_plan *p = j->plan;
    REAL block[CNN_POOL_LARGEST * CNN_TILE_ROWS * 2 * REAL_LANES] __attribute__((aligned(64)));
    int64_t pool = p->pool, wide = t->columns > REAL_LANES ? 2 * REAL_LANES : REAL_LANES, columns = t->columns;
    if (most > CNN_TILE_ROWS) most = CNN_TILE_ROWS;
    int64_t windows = u->columns / pool, tiles = (windows * pool + most - 1) / most;
    int64_t out_w = p->w.size_out / pool, out_h = p->h.size_out / pool;
    while ((windows + tiles - 1) / tiles * pool > most) tiles++;
    t->c_row = t->columns = wide;
    t->activation = CNN_LINEAR; /* the largest of ReLUs is the ReLU of the largest */
    t->stream = false;
    for (int64_t i = 0; i < u->rows; i += pool) {
        int64_t out = ((u->image * out_h + (u->row + i) / pool) * out_w + u->column / pool) * p->out_channels +
                      group * p->group_out + panel * p->wide;
        for (int64_t k = 0, window = 0; k < tiles; k++) {
            int64_t end = windows * (k + 1) / tiles, count = end - window;
            for (int64_t r = 0; r < pool; r++)
                fns[count * pool - 1](t, a + (i + r) * p->reach_h.in_step * u->pitch + window * pool * t->row, packed,
                                      block + r * CNN_TILE_ROWS * wide);
            R(pool_block)(pool, count, wide, columns, j->activation == CNN_RELU, block, p->out_channels,
                          j->out + out + window * p->out_channels,
                          j->place ? j->place + out + window * p->out_channels : NULL);
            window = end;
        }
    }
    t->columns = columns;
}

/* One panel of outputs for the pixels of one phase of a unit. T holds all that does not depend on the unit. */
static void R(unit_panel)(const R(direct_job) * j, const R(unit) * u, const conv_phase *h, const conv_phase *w,
                          int64_t group, int64_t panel, const REAL *packed, R(tile) * t)
{
    const conv_direct_plan *p = j->plan;
    const R(tile_fn) *fns =
        p->depthwise ? R(depthwise_tiles)[t->columns == REAL_LANES] : R(tiles)[R(panel_columns)(p, panel) > REAL_LANES];
    int64_t most = p->depthwise ? CNN_DEPTHWISE_ROWS : CNN_TILE_ROWS;
    int64_t first_in = p->depthwise ? panel * p->wide : group * p->group_in;
    t->step_h = h->tap_step * u->pitch;
    if (!p->h.backward && p->pool > 1) {
        R(pooled_panel)(j, u, group, panel, packed, fns, most,
                        u->in + h->offset * u->pitch + w->offset * p->in_channels + first_in, t);
        return;
    }
    int64_t rows = (h->count < u->row + u->rows ? h->count : u->row + u->rows) - u->row;
    int64_t columns = (w->count < u->column + u->columns ? w->count : u->column + u->columns) - u->column;
    int64_t tiles = (columns + most - 1) / most;
    for (int64_t i = 0; i < rows; i++) {
        const REAL *a = u->in + (i * h->in_step + h->offset) * u->pitch + w->offset * p->in_channels + first_in;
        int64_t out_row = h->out_first + (u->row + i) * h->out_step,
                out_column = w->out_first + u->column * w->out_step;
        REAL *c = j->out + ((u->image * p->h.size_out + out_row) * p->w.size_out + out_column) * p->out_channels +
                  group * p->group_out + panel * p->wide;
        for (int64_t k = 0, column = 0; k < tiles; k++) {
            int64_t end = columns * (k + 1) / tiles;
            fns[end - column - 1](t, a + column * t->row, packed, c + column * t->c_row);
            column = end;
        }
    }
}

static void R(direct_phase)(const R(direct_job) * j, const R(unit) * units, int64_t count, int64_t phase_h,
                            int64_t phase_w)
{
    const conv_direct_plan *p = j->plan;
    conv_phase h = conv_phase_of(&p->h, phase_h), w = conv_phase_of(&p->w, phase_w);
    bool one_run = w.tap_step * p->in_channels == p->group_in && !p->depthwise; /* the taps of a row are neighbours */
    R(tile)
    t = {.runs_h = w.taps > 0 ? h.taps : 0,
         .runs_w = one_run ? 1 : w.taps,
         .length = one_run ? w.taps * p->group_in : p->group_in,
         .step_w = w.tap_step * p->in_channels,
         .row = w.in_step * p->in_channels,
         .group = 3 * w.in_step * p->in_channels,
         .c_row = w.out_step * p->out_channels,
         .activation = j->activation};
    for (int64_t group = 0; group < p->groups; group++) {
        const REAL *packed = R(packed_phase)(j, group, &h, &w);
        for (int64_t panel = 0; panel < p->panels; panel++) {
            int64_t rest = p->group_out - panel * p->wide;
            t.columns = rest < p->wide ? rest : p->wide;
            t.stream = j->stream;
            t.bias = j->has_bias ? j->bias + group * p->group_out_packed + panel * p->wide : NULL;
            for (int64_t k = 0; k < count; k++) R(unit_panel)(j, &units[k], &h, &w, group, panel, packed, &t);
            packed += h.taps * w.taps * p->group_in * R(panel_columns)(p, panel);
        }
    }
}

#define UNITS_AT_ONCE 32

static void R(direct_piece)(void *context, int64_t piece, int thread)
{
    const R(direct_job) *j = context;
    const conv_direct_plan *p = j->plan;
    int64_t begin, end, copy_items = p->copy_rows * p->copy_columns * p->in_channels;
    cnn_piece_range(p->units, p->pieces, piece, &begin, &end);
    REAL *copies = j->copies + (size_t)thread * p->copy_items;
    R(unit) units[UNITS_AT_ONCE];
    while (begin < end) {
        int64_t count = end - begin < UNITS_AT_ONCE ? end - begin : UNITS_AT_ONCE;
        for (int64_t k = 0; k < count; k++) units[k] = R(unit_of)(j, begin + k, copies + k * copy_items);
        for (int64_t ph = 0; ph < conv_phases(&p->h); ph++)
            for (int64_t pw = 0; pw < conv_phases(&p->w); pw++) R(direct_phase)(j, units, count, ph, pw);
        begin += count;
    }
    if (j->stream) cnn_stream_fence();
}

/* Whether `out` is better written past the caches: it will have left them before anybody reads it. */
static bool R(streams)(const R(direct_job) * j)
{
    const conv_direct_plan *p = j->plan;
    int64_t bytes = p->n * p->h.size_out * p->w.size_out * p->out_channels * (int64_t)sizeof(REAL);
    return bytes > CONV_STREAM_BYTES && p->group_out % REAL_LANES == 0 && (uintptr_t)j->out % CNN_VECTOR_BYTES == 0 &&
           (j->activation == CNN_LINEAR || j->activation == CNN_RELU);
}

static void R(direct_run)(R(direct_job) * j, const REAL *bias, void *scratch)
{
    j->packed = scratch;
    j->bias = j->packed + j->plan->packed_items;
    j->copies = j->bias + j->plan->bias_items;
    R(pack)(j, bias);
    j->stream = R(streams)(j);
    cnn_parallel(j->plan->pieces, R(direct_piece), j);
}

void RK(conv_direct_forward)(const cnn_conv2d *conv, const REAL *x, const REAL *kernel, const REAL *scale,
                             const REAL *bias, REAL *y, uint8_t *place, void *scratch)
{
    conv_direct_plan plan = conv_direct_plan_of(conv, false, REAL_LANES, CNN_TILE_ROWS, sizeof(REAL));
    R(direct_job)
    job = {.plan = &plan, .kernel = kernel, .out = y, .place = place, .activation = conv->activation};
    job.in = (R(conv_image)){
        .pixels = x, .pool = 1, .up = conv->up, .h = plan.h.size_in, .w = plan.w.size_in, .channels = conv->c};
    job.scale = scale;
    R(direct_run)(&job, bias, scratch);
}

void RK(conv_direct_backward_data)(const cnn_conv2d *conv, const REAL *dy, const REAL *y, const uint8_t *place,
                                   const REAL *kernel, REAL *dx, void *scratch)
{
    conv_direct_plan plan = conv_direct_plan_of(conv, true, REAL_LANES, CNN_TILE_ROWS, sizeof(REAL));
    R(direct_job) job = {.plan = &plan, .kernel = kernel, .out = dx, .activation = CNN_LINEAR};
    job.in = (R(conv_image)){dy, y, place, plan.gate, conv->pool, 1, plan.h.size_in, plan.w.size_in, conv->f};
    R(direct_run)(&job, NULL, scratch);
}

void RK(conv_direct_transpose)(const cnn_conv2d *conv, cnn_activation act, const REAL *x, const REAL *kernel,
                               const REAL *bias, REAL *y, void *scratch)
{
    conv_direct_plan plan = conv_direct_plan_of(conv, true, REAL_LANES, CNN_TILE_ROWS, sizeof(REAL));
    R(direct_job) job = {.plan = &plan, .kernel = kernel, .out = y, .activation = act};
    job.in =
        (R(conv_image)){.pixels = x, .pool = 1, .up = 1, .h = plan.h.size_in, .w = plan.w.size_in, .channels = conv->f};
    R(direct_run)(&job, bias, scratch);
}
