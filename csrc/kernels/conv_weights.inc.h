/* See conv_weights.c; included once per type. */
#define TILE_SUMS 1
#include "kernels/conv_tile.inc.h"

#include "kernels/conv_depthwise_tile.inc.h"
#undef TILE_SUMS
#include "kernels/conv_rows.inc.h"

typedef struct {
    const conv_weights_plan *plan;
    const REAL *x, *dy, *y;
    const uint8_t *place;
    REAL *sums, *bias_sums, *copies, *dkernel, *dbias;
} R(weights_job);

/* A chunk: its output pixels, and where the input of its first one lies. */
typedef struct {
    int64_t image, images, row, rows, column, columns;
    const REAL *x;
    int64_t pitch, image_pitch;
} R(chunk);

static R(chunk) R(chunk_of)(const R(weights_job) * j, int64_t index, REAL *copy)
{
    const conv_weights_plan *p = j->plan;
    const cnn_conv2d *c = &p->conv;
    R(chunk)
    k = {.column = index % p->chunks_w * p->chunk_columns,
         .row = index / p->chunks_w % p->chunks_h * p->chunk_rows,
         .image = index / p->chunks_w / p->chunks_h * p->chunk_images};
    k.columns = c->ow - k.column < p->chunk_columns ? c->ow - k.column : p->chunk_columns;
    k.rows = c->oh - k.row < p->chunk_rows ? c->oh - k.row : p->chunk_rows;
    k.images = c->n - k.image < p->chunk_images ? c->n - k.image : p->chunk_images;
    int64_t row = k.row * c->stride_h - c->pad_top, rows = (k.rows - 1) * c->stride_h + (c->kh - 1) * c->dilation_h + 1;
    int64_t column = k.column * c->stride_w - c->pad_left;
    int64_t columns = (k.columns - 1) * c->stride_w + (c->kw - 1) * c->dilation_w + 1;
    R(conv_image) images = {.pixels = j->x, .pool = 1, .up = c->up, .h = c->h, .w = c->w, .channels = c->c};
    const REAL *image = j->x + k.image * c->h * c->w * c->c;
    if (c->up == 1 && row >= 0 && column >= 0 && row + rows <= c->h && column + columns <= c->w) {
        k.pitch = c->w * c->c;
        k.image_pitch = c->h * k.pitch;
        k.x = image + row * k.pitch + column * c->c;
        return k;
    }
    k.pitch = columns * c->c;
    k.image_pitch = rows * k.pitch;
    k.x = copy;
    for (int64_t n = 0; n < k.images; n++) {
        R(conv_image) s = R(conv_image_at)(&images, k.image + n);
        R(conv_copy)(&s, row, column, rows, columns, copy + n * k.image_pitch);
    }
    return k;
}

/* One pixel of dz: channels dy[0..REAL_COLUMNS), zeros up to COLUMNS, which are one or two vectors. */
CNN_INLINE void R(pack_pixel)(cnn_activation act, const REAL *dy, const REAL *y, int64_t real_columns, int64_t columns,
                              REAL *dz)
{
    if (real_columns == columns && act <= CNN_RELU) {
        for (int64_t f = 0; f < columns; f += REAL_LANES) {
            R(vec) v = R(load)(dy + f);
            if (act == CNN_RELU) v = (R(vec))((R(mask))v & (R(load)(y + f) > 0));
            R(store)(dz + f, v);
        }
        return;
    }
    for (int64_t f = 0; f < real_columns; f++) dz[f] = R(conv_slope)(act, y[f], dy[f]);
    for (int64_t f = real_columns; f < columns; f++) dz[f] = 0;
}

CNN_INLINE REAL *R(pack_row)(cnn_activation act, const REAL *dy, const REAL *y, int64_t pixels, int64_t step,
                             int64_t real_columns, int64_t columns, REAL *dz)
{
    for (int64_t i = 0; i < pixels; i++, dy += step, y += step, dz += columns)
        R(pack_pixel)(act, dy, y, real_columns, columns, dz);
    return dz;
}

/* A row of dz from what was pooled. */
static REAL *R(pack_pooled_row)(const R(weights_job) * j, int64_t image, int64_t row, int64_t column, int64_t pixels,
                                int64_t first, int64_t real_columns, int64_t columns, REAL *dz)
{
    const cnn_conv2d *c = &j->plan->conv;
    int64_t pool = c->pool, oh = c->oh / pool, ow = c->ow / pool;
    memset(dz, 0, (size_t)(pixels * columns) * sizeof *dz);
    if (row >= oh * pool) return dz + pixels * columns;
    for (int64_t i = 0; i < pixels && column + i < ow * pool; i++) {
        int64_t at = ((image * oh + row / pool) * ow + (column + i) / pool) * c->f + first;
        R(conv_unpool)(j->dy + at, j->place + at, pool, 0, real_columns, row % pool, (column + i) % pool, 1,
                       dz + i * columns);
    }
    return dz + pixels * columns;
}

/* dz[pixel][COLUMNS] of the chunk: REAL_COLUMNS channels from FIRST, zeros beyond. */
static void R(pack_dz)(const R(weights_job) * j, const R(chunk) * k, int64_t first, int64_t real_columns,
                       int64_t columns, REAL *dz)
{
    const cnn_conv2d *c = &j->plan->conv;
    for (int64_t n = k->image; n < k->image + k->images; n++)
        for (int64_t row = k->row; row < k->row + k->rows; row++) {
            if (c->pool > 1) {
                dz = R(pack_pooled_row)(j, n, row, k->column, k->columns, first, real_columns, columns, dz);
                continue;
            }
            int64_t at = ((n * c->oh + row) * c->ow + k->column) * c->f + first;
            const REAL *dy = j->dy + at, *y = j->y + at;
            switch (c->activation) {
            case CNN_RELU: dz = R(pack_row)(CNN_RELU, dy, y, k->columns, c->f, real_columns, columns, dz); break;
            case CNN_SIGMOID: dz = R(pack_row)(CNN_SIGMOID, dy, y, k->columns, c->f, real_columns, columns, dz); break;
            case CNN_TANH: dz = R(pack_row)(CNN_TANH, dy, y, k->columns, c->f, real_columns, columns, dz); break;
            default: dz = R(pack_row)(CNN_LINEAR, dy, y, k->columns, c->f, real_columns, columns, dz); break;
            }
        }
}

/* sums[0..columns) += the sum over PIXELS rows of dz, STEP items apart. */
static void R(sum_dz)(const REAL *dz, int64_t pixels, int64_t step, int64_t columns, REAL *sums)
{
    for (int64_t f = 0; f < columns; f += REAL_LANES, dz += REAL_LANES) {
        R(vec) part[4] = {{0}, {0}, {0}, {0}};
        const REAL *p = dz;
        int64_t i = 0;
        for (; i + 4 <= pixels; i += 4, p += 4 * step)
            for (int q = 0; q < 4; q++) part[q] += R(load)(p + q * step);
        for (; i < pixels; i++, p += step) part[0] += R(load)(p);
        R(store)(sums + f, R(load)(sums + f) + ((part[0] + part[1]) + (part[2] + part[3])));
    }
}

/* Adds x * dz of a chunk to SUMS[kernel_rows][COLUMNS]. */
static void R(chunk_sums)(const R(weights_job) * j, const R(chunk) * k, int64_t group, const REAL *dz, int64_t dz_step,
                          int64_t columns, REAL *sums)
{
    const conv_weights_plan *p = j->plan;
    const cnn_conv2d *c = &p->conv;
    const R(tile_fn) *fns = R(tiles)[columns > REAL_LANES];
    bool one_run = c->dilation_w == 1 && c->groups == 1; /* the taps of a kernel row are neighbours in x */
    int64_t runs_w = one_run ? 1 : c->kw, runs_h = c->kh, rows = one_run ? c->kw * c->c : p->group_in,
            most = CNN_TILE_ROWS;
    R(tile)
    t = {.runs_h = k->images,
         .runs_w = k->rows,
         .length = k->columns,
         .step_h = k->image_pitch,
         .step_w = c->stride_h * k->pitch,
         .step = c->stride_w * c->c,
         .group = 3,
         .b_step = dz_step};
    if (rows == 3 && runs_w == 1) { /* a 3x3 kernel on one channel: the threes of all kernel rows at once */
        t.group = c->dilation_h * k->pitch;
        rows = 3 * c->kh;
        runs_h = 1;
        most -= most % 3;
    }
    int64_t unit = t.group == 3 ? 1 : 3, tiles = (rows + most - 1) / most;
    for (int64_t h = 0; h < runs_h; h++)
        for (int64_t w = 0; w < runs_w; w++) {
            const REAL *x = k->x + h * c->dilation_h * k->pitch + w * c->dilation_w * c->c + group * p->group_in;
            for (int64_t i = 0, row = 0; i < tiles; i++) {
                int64_t end = rows / unit * (i + 1) / tiles * unit;
                fns[end - row - 1](&t, x + row / unit * (unit == 1 ? 1 : t.group), dz, sums + row * columns);
                row = end;
            }
            sums += rows * columns;
        }
}

/* The same where each channel has its own weights; SUMS[taps][lanes] of the vector of channels from FIRST. */
static void R(chunk_sums_depthwise)(const R(weights_job) * j, const R(chunk) * k, int64_t first, const REAL *dz,
                                    REAL *sums)
{
    const cnn_conv2d *c = &j->plan->conv;
    int64_t rest = c->c - first, row = c->dilation_w * c->c, down = c->dilation_h * k->pitch;
    bool threes = c->kw == 3; /* the taps of three kernel rows at once */
    R(tile)
    t = {.runs_h = k->images,
         .runs_w = k->rows,
         .length = k->columns,
         .step_h = k->image_pitch,
         .step_w = c->stride_h * k->pitch,
         .step = c->stride_w * c->c,
         .row = row,
         .group = threes ? down : 3 * row,
         .b_step = REAL_LANES,
         .c_row = REAL_LANES,
         .columns = rest < REAL_LANES ? rest : REAL_LANES};
    const R(tile_fn) *fns = R(depthwise_tiles)[t.columns == REAL_LANES];
    int64_t taps = threes ? 3 * c->kh : c->kw, most = CNN_DEPTHWISE_ROWS;
    for (int64_t h = 0; h < (threes ? 1 : c->kh); h++)
        for (int64_t tap = 0; tap < taps; tap += most) {
            int64_t count = taps - tap < most ? taps - tap : most;
            const REAL *x = k->x + first + (threes ? tap / 3 * down : h * down + tap * row);
            fns[count - 1](&t, x, dz, sums);
            sums += count * REAL_LANES;
        }
}

static void R(weights_piece)(void *context, int64_t piece, int thread)
{
    const R(weights_job) *j = context;
    const conv_weights_plan *p = j->plan;
    const cnn_conv2d *c = &p->conv;
    int64_t split = piece % p->splits, block = piece / p->splits % p->panel_blocks,
            group = piece / p->splits / p->panel_blocks;
    int64_t first_panel = block * p->panels_per_piece, end_panel = first_panel + p->panels_per_piece, begin, end;
    if (end_panel > p->panels) end_panel = p->panels;
    REAL *x_copy = j->copies + (size_t)thread * (p->x_items + p->dz_items), *dz_copy = x_copy + p->x_items;
    REAL *sums = j->sums + split * (int64_t)p->sums_items + group * p->kernel_rows * p->group_out_packed;
    REAL *bias = j->bias_sums + split * (int64_t)p->bias_items + group * p->group_out_packed;
    int64_t first = first_panel * p->wide, last = end_panel * p->wide;
    if (last > p->group_out_packed) last = p->group_out_packed;
    memset(sums + first * p->kernel_rows, 0, (size_t)((last - first) * p->kernel_rows) * sizeof *sums);
    memset(bias + first, 0, (size_t)(last - first) * sizeof *bias);

    cnn_piece_range(p->chunks, p->splits, split, &begin, &end);
    for (int64_t index = begin; index < end; index++) {
        R(chunk) k = R(chunk_of)(j, index, x_copy);
        int64_t pixels = k.images * k.rows * k.columns;
        for (int64_t panel = first_panel; panel < end_panel; panel++) {
            int64_t from = panel * p->wide, rest = p->group_out_packed - from, real = p->group_out - from;
            int64_t columns = rest < p->wide ? rest : p->wide;
            const REAL *dz = j->dy + ((k.image * c->oh + k.row) * c->ow + k.column) * c->f;
            if (p->packs_dz) {
                R(pack_dz)(j, &k, group * p->group_out + from, real < columns ? real : columns, columns, dz_copy);
                dz = dz_copy;
            }
            if (j->dbias) R(sum_dz)(dz, pixels, columns, columns, bias + from);
            if (j->dkernel && p->depthwise) R(chunk_sums_depthwise)(j, &k, from, dz, sums + from * p->kernel_rows);
            else if (j->dkernel) R(chunk_sums)(j, &k, group, dz, columns, columns, sums + from * p->kernel_rows);
        }
    }
}

/* ---- adding the splits, in order ---- */

/* PIECE: CONV_ROWS_AT_ONCE rows of the kernel. */
static void R(add_piece)(void *context, int64_t piece, int thread)
{
    const R(weights_job) *j = context;
    const conv_weights_plan *p = j->plan;
    int64_t begin = piece * CONV_ROWS_AT_ONCE,
            end = begin + CONV_ROWS_AT_ONCE < p->kernel_rows ? begin + CONV_ROWS_AT_ONCE : p->kernel_rows;
    (void)thread;
    for (int64_t group = 0; group < p->conv.groups; group++)
        for (int64_t from = 0; from < p->group_out; from += p->wide) {
            int64_t rest = p->group_out_packed - from, real = p->group_out - from,
                    columns = rest < p->wide ? rest : p->wide;
            if (real > columns) real = columns;
            for (int64_t row = begin; row < end; row++) {
                const REAL *sums = j->sums + (group * p->group_out_packed + from) * p->kernel_rows + row * columns;
                REAL *to = j->dkernel + row * p->conv.f + group * p->group_out + from;
                memcpy(to, sums, (size_t)real * sizeof *to);
                for (int64_t s = 1; s < p->splits; s++) {
                    const REAL *more = sums + s * (int64_t)p->sums_items;
                    CNN_INDEPENDENT
                    for (int64_t f = 0; f < real; f++) to[f] += more[f];
                }
            }
        }
}

static void R(add_bias)(const R(weights_job) * j)
{
    const conv_weights_plan *p = j->plan;
    memset(j->dbias, 0, (size_t)p->conv.f * sizeof *j->dbias);
    for (int64_t s = 0; s < p->splits; s++)
        for (int64_t group = 0; group < p->conv.groups; group++) {
            const REAL *from = j->bias_sums + s * (int64_t)p->bias_items + group * p->group_out_packed;
            for (int64_t f = 0; f < p->group_out; f++) j->dbias[group * p->group_out + f] += from[f];
        }
}

void RK(conv_direct_backward_weights)(const cnn_conv2d *conv, const REAL *x, const REAL *dy, const REAL *y,
                                      const uint8_t *place, REAL *dkernel, REAL *dbias, void *scratch)
{
    conv_weights_plan plan = conv_weights_plan_of(conv, REAL_LANES, sizeof(REAL));
    R(weights_job)
    job = {.plan = &plan, .x = x, .dy = dy, .y = y ? y : dy, .dkernel = dkernel, .dbias = dbias, .sums = scratch};
    job.place = place;
    job.bias_sums = job.sums + (size_t)plan.splits * plan.sums_items;
    job.copies = job.bias_sums + (size_t)plan.splits * plan.bias_items;
    cnn_parallel(plan.pieces, R(weights_piece), &job);
    if (dkernel) cnn_parallel(conv_divide_up(plan.kernel_rows, CONV_ROWS_AT_ONCE), R(add_piece), &job);
    if (dbias) R(add_bias)(&job);
}
