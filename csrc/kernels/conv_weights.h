/* The plan of backward-weights, direct: dkernel[kh, kw, c, f] sums x[...] * dz[..., f] over pixels.
 *
 * Pixels are cut into chunks (rows x columns of one image, or several whole images) that stay in the first caches.
 * Chunks are dealt to `splits` partial sums, which are added in order at the end; panels of output channels are split
 * too, so that the sums of a piece stay in the second cache. All of it depends on the shape alone. */
#ifndef CNN_KERNELS_CONV_WEIGHTS_H
#define CNN_KERNELS_CONV_WEIGHTS_H

#include "kernels/types.h"
#include "runtime/parallel.h"

enum { CONV_ROWS_AT_ONCE = 64 }; /* of the kernel, when the splits are added */

typedef struct {
    cnn_conv2d conv; /* 1x1 with stride 1 turned into one long row; depthwise into one group */
    bool depthwise;
    int64_t group_in, group_out;
    int64_t wide, panels, group_out_packed;
    int64_t kernel_rows;                             /* KH * KW * C / groups: rows of sums */
    int64_t chunk_images, chunk_rows, chunk_columns; /* output pixels */
    int64_t chunks_n, chunks_h, chunks_w, chunks;
    int64_t x_rows, x_columns; /* what a chunk reads of an image */
    bool copies_x, packs_dz;
    int64_t panels_per_piece, panel_blocks, splits, pieces;
    size_t sums_items, bias_items, x_items,
        dz_items; /* scratch: of one split; of one split; of a thread; of a thread */
} conv_weights_plan;

static inline int64_t conv_divide_up(int64_t a, int64_t b)
{
    return b > 0 ? (a + b - 1) / b : 0;
}

static inline void conv_weights_chunks(conv_weights_plan *p, size_t item_bytes)
{
    enum { PIXELS = 256, X_BYTES = 96 << 10 };
    const cnn_conv2d *c = &p->conv;
    p->chunk_columns = conv_divide_up(c->ow, conv_divide_up(c->ow, PIXELS));
    p->x_columns = (p->chunk_columns - 1) * c->stride_w + (c->kw - 1) * c->dilation_w + 1;
    int64_t row_bytes = p->x_columns * c->stride_h * c->c * (int64_t)item_bytes;
    int64_t rows = p->chunk_columns > 0 ? PIXELS / p->chunk_columns : 1;
    if (row_bytes > 0 && rows * row_bytes > X_BYTES) rows = X_BYTES / row_bytes;
    if (rows < 1) rows = 1;
    p->chunk_rows = conv_divide_up(c->oh, conv_divide_up(c->oh, rows));
    p->x_rows = (p->chunk_rows - 1) * c->stride_h + (c->kh - 1) * c->dilation_h + 1;
    p->chunk_images = 1;
    if (p->chunk_rows == c->oh && p->chunk_columns == c->ow && c->oh * c->ow > 0) {
        int64_t image_bytes = p->x_rows * p->x_columns * c->c * (int64_t)item_bytes;
        p->chunk_images = PIXELS / (c->oh * c->ow);
        if (p->chunk_images * image_bytes > X_BYTES) p->chunk_images = X_BYTES / image_bytes;
        if (p->chunk_images > c->n) p->chunk_images = c->n;
        if (p->chunk_images < 1) p->chunk_images = 1;
    }
    p->chunks_n = conv_divide_up(c->n, p->chunk_images);
    p->chunks_h = conv_divide_up(c->oh, p->chunk_rows);
    p->chunks_w = conv_divide_up(c->ow, p->chunk_columns);
    p->chunks = p->chunks_n * p->chunks_h * p->chunks_w;
}

static inline conv_weights_plan conv_weights_plan_of(const cnn_conv2d *conv, int64_t lanes, size_t item_bytes)
{
    enum { PIECES = 32, LEAST_PIECES = 8, SUMS_BYTES = 384 << 10, ALL_SUMS_BYTES = 4 << 20, LEAST_WORK = 1 << 20 };
    conv_weights_plan p = {.conv = *conv};
    cnn_conv2d *c = &p.conv;
    if (c->kh == 1 && c->kw == 1 && c->stride_h == 1 && c->stride_w == 1 && c->pool == 1 && c->up == 1) {
        c->w = c->ow = c->n * c->h * c->w;
        c->n = c->h = c->oh = 1;
    }
    p.depthwise = c->groups > 1 && c->groups == c->c && c->groups == c->f;
    if (p.depthwise) c->groups = 1;
    p.group_in = p.depthwise ? 1 : c->c / c->groups;
    p.group_out = c->f / c->groups;
    p.wide = p.depthwise ? lanes : 2 * lanes;
    p.panels = conv_divide_up(p.group_out, p.wide);
    p.group_out_packed = conv_divide_up(p.group_out, lanes) * lanes;
    p.kernel_rows = c->kh * c->kw * p.group_in;
    conv_weights_chunks(&p, item_bytes);
    p.copies_x = c->up > 1 || c->pad_top > 0 || c->pad_left > 0 ||
                 (c->oh - 1) * c->stride_h - c->pad_top + (c->kh - 1) * c->dilation_h >= c->h ||
                 (c->ow - 1) * c->stride_w - c->pad_left + (c->kw - 1) * c->dilation_w >= c->w;
    p.packs_dz = c->pool > 1 || c->activation != CNN_LINEAR || c->groups > 1 || p.panels > 1 ||
                 p.group_out_packed != p.group_out || p.chunks_w > 1;

    int64_t panel_bytes = p.kernel_rows * p.wide * (int64_t)item_bytes;
    p.panels_per_piece = panel_bytes > 0 ? SUMS_BYTES / panel_bytes : p.panels;
    if (p.panels_per_piece < 1) p.panels_per_piece = 1;
    if (p.panels_per_piece > p.panels) p.panels_per_piece = p.panels;
    p.panel_blocks = conv_divide_up(p.panels, p.panels_per_piece);
    int64_t independent = c->groups * p.panel_blocks;
    int64_t all_bytes = p.kernel_rows * p.group_out_packed * c->groups * (int64_t)item_bytes;
    int64_t work = c->n * c->oh * c->ow * p.kernel_rows * c->f;
    int64_t affordable = all_bytes > 0 ? ALL_SUMS_BYTES / all_bytes : PIECES;
    if (affordable < conv_divide_up(LEAST_PIECES, independent)) affordable = conv_divide_up(LEAST_PIECES, independent);
    p.splits = conv_divide_up(PIECES, independent);
    if (p.splits > affordable) p.splits = affordable;
    if (p.splits > work / independent / LEAST_WORK) p.splits = work / independent / LEAST_WORK;
    if (p.splits > p.chunks) p.splits = p.chunks;
    if (p.splits < 1) p.splits = 1;
    p.pieces = independent * p.splits;

    int64_t pixels = p.chunk_images * p.chunk_rows * p.chunk_columns;
    p.sums_items = ((size_t)(p.kernel_rows * p.group_out_packed * c->groups) + 15) & ~(size_t)15;
    p.bias_items = ((size_t)(p.group_out_packed * c->groups) + 15) & ~(size_t)15;
    p.x_items = p.copies_x ? ((size_t)(p.chunk_images * p.x_rows * p.x_columns * c->c) + 15) & ~(size_t)15 : 0;
    p.dz_items = p.packs_dz ? (size_t)(pixels * p.wide) : 0;
    return p;
}

#endif
