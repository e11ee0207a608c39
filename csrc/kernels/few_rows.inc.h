/* See few_rows.c; included once per type. */
#if REAL_IS_F32
#define VEC cnn_vec_f32
#else
#define VEC cnn_vec_f64
#endif
#define LANES REAL_LANES
#define PANEL (VECTORS * LANES)

typedef struct {
    int64_t rows, inputs, units, panels;
    const REAL *x, *w, *dy;
    REAL *out;
} R(few_rows_job);

CNN_INLINE VEC R(load)(const REAL *p)
{
    return *(const VEC *)p;
}

/* out[a][b] = sum over k of left(a, k) * right(k, b), A by B vectors in registers; LEFT moves by A_STEP from one a to
 * the next and by K_STEP along k, RIGHT by R_STEP along k, OUT by OUT_STEP along a. */
CNN_INLINE void R(block)(int a, int b, int64_t count, const REAL *left, int64_t a_step, int64_t k_step,
                         const REAL *right, int64_t r_step, REAL *out, int64_t out_step)
{
    VEC sum[4][VECTORS];
    for (int i = 0; i < a; i++)
        for (int j = 0; j < b; j++) sum[i][j] = (VEC){0};
    for (int64_t k = 0; k < count; k++) {
        VEC r[VECTORS];
        for (int j = 0; j < b; j++) r[j] = R(load)(right + k * r_step + j * LANES);
        for (int i = 0; i < a; i++)
            for (int j = 0; j < b; j++) sum[i][j] += left[i * a_step + k * k_step] * r[j];
    }
    for (int i = 0; i < a; i++)
        for (int j = 0; j < b; j++) *(VEC *)(out + i * out_step + j * LANES) = sum[i][j];
}

CNN_INLINE void R(blocks)(int b, int64_t rows, int64_t count, const REAL *left, int64_t a_step, int64_t k_step,
                          const REAL *right, int64_t r_step, REAL *out, int64_t out_step)
{
    int64_t a = 0;
    for (; a + 4 <= rows; a += 4)
        R(block)(4, b, count, left + a * a_step, a_step, k_step, right, r_step, out + a * out_step, out_step);
    for (; a < rows; a++)
        R(block)(1, b, count, left + a * a_step, a_step, k_step, right, r_step, out + a * out_step, out_step);
}

/* The same for WIDTH >= LANES columns. The last vector may do again what its neighbour did. */
static void R(panel)(int64_t rows, int64_t width, int64_t count, const REAL *left, int64_t a_step, int64_t k_step,
                     const REAL *right, int64_t r_step, REAL *out, int64_t out_step)
{
    int64_t j = 0;
    for (; j + PANEL <= width; j += PANEL)
        R(blocks)(VECTORS, rows, count, left, a_step, k_step, right + j, r_step, out + j, out_step);
    while (j < width) {
        if (j + LANES > width) j = width - LANES;
        R(blocks)(1, rows, count, left, a_step, k_step, right + j, r_step, out + j, out_step);
        j += LANES;
    }
}

/* Panels of PANEL units; the last one also has what is over, so that none is narrower than a vector. */
static int64_t R(panels)(int64_t units)
{
    return units < 2 * PANEL ? 1 : units / PANEL;
}

static int64_t R(panel_width)(const R(few_rows_job) * j, int64_t panel)
{
    return panel + 1 < j->panels ? PANEL : j->units - panel * PANEL;
}

/* ---- y = x W: a sum for each chunk of inputs, then the sum of these ---- */

static void R(product_piece)(void *context, int64_t piece, int thread)
{
    const R(few_rows_job) *j = context;
    int64_t panel = piece % j->panels, chunk = piece / j->panels, at = chunk * CHUNK, column = panel * PANEL;
    int64_t count = j->inputs - at < CHUNK ? j->inputs - at : CHUNK;
    (void)thread;
    R(panel)(j->rows, R(panel_width)(j, panel), count, j->x + at, j->inputs, 1, j->w + at * j->units + column, j->units,
             j->out + chunk * j->rows * j->units + column, j->units);
}

void RK(few_rows_product)(int64_t rows, int64_t inputs, int64_t units, const REAL *x, const REAL *w, REAL *y,
                          REAL *scratch)
{
    R(few_rows_job) job = {rows, inputs, units, R(panels)(units), x, w, NULL, scratch};
    int64_t chunks = (inputs + CHUNK - 1) / CHUNK;
    if (chunks == 1) job.out = y;
    cnn_parallel(chunks * job.panels, R(product_piece), &job);
    if (chunks == 1) return;
    memcpy(y, scratch, (size_t)(rows * units) * sizeof *y);
    for (int64_t chunk = 1; chunk < chunks; chunk++) {
        const REAL *part = scratch + chunk * rows * units;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < rows * units; i++) y[i] += part[i];
    }
}

/* ---- dW = x' dy: chunks of inputs, each row of dW written once ---- */

static void R(weights_piece)(void *context, int64_t piece, int thread)
{
    const R(few_rows_job) *j = context;
    int64_t at = piece * CHUNK / 4, end = at + CHUNK / 4 < j->inputs ? at + CHUNK / 4 : j->inputs;
    (void)thread;
    for (; at < end; at += 4) { /* four rows of dW at a time, so that they are written along the grain */
        int64_t count = end - at < 4 ? end - at : 4;
        for (int64_t panel = 0; panel < j->panels; panel++) {
            int64_t column = panel * PANEL;
            R(panel)(count, R(panel_width)(j, panel), j->rows, j->x + at, 1, j->inputs, j->dy + column, j->units,
                     j->out + at * j->units + column, j->units);
        }
    }
}

void RK(few_rows_weights)(int64_t rows, int64_t inputs, int64_t units, const REAL *x, const REAL *dy, REAL *dw)
{
    R(few_rows_job) job = {rows, inputs, units, R(panels)(units), x, NULL, dy, dw};
    cnn_parallel((inputs + CHUNK / 4 - 1) / (CHUNK / 4), R(weights_piece), &job);
}

/* ---- dx = dy W': products of rows of W with rows of dy ---- */

CNN_INLINE void R(dots)(int a, int b, int64_t n, const REAL *dy, const REAL *w, REAL *dx, int64_t dx_step)
{
    VEC sum[4][4];
    int64_t k = 0;
    for (int i = 0; i < a; i++)
        for (int j = 0; j < b; j++) sum[i][j] = (VEC){0};
    for (; k + LANES <= n; k += LANES) {
        VEC r[4];
        for (int j = 0; j < b; j++) r[j] = R(load)(w + j * n + k);
        for (int i = 0; i < a; i++)
            for (int j = 0; j < b; j++) sum[i][j] += R(load)(dy + i * n + k) * r[j];
    }
    for (int i = 0; i < a; i++) {
        for (int j = 0; j < b; j++) {
            REAL lane[LANES], total;
            memcpy(lane, &sum[i][j], sizeof lane);
            for (int width = LANES / 2; width > 0; width /= 2)
                for (int l = 0; l < width; l++) lane[l] += lane[l + width];
            total = lane[0];
            for (int64_t rest = k; rest < n; rest++) total += dy[i * n + rest] * w[j * n + rest];
            dx[i * dx_step + j] = total;
        }
    }
}

static void R(data_piece)(void *context, int64_t piece, int thread)
{
    const R(few_rows_job) *j = context;
    int64_t n = j->units, at = piece * CHUNK / 4, end = at + CHUNK / 4 < j->inputs ? at + CHUNK / 4 : j->inputs;
    (void)thread;
    while (at < end) {
        const REAL *w = j->w + at * n;
        int64_t i = 0;
        if (end - at >= VECTORS) { /* VECTORS, because it says how many accumulators there is room for */
            for (; i + 4 <= j->rows; i += 4)
                R(dots)(4, VECTORS, n, j->dy + i * n, w, j->out + i * j->inputs + at, j->inputs);
            for (; i < j->rows; i++) R(dots)(1, VECTORS, n, j->dy + i * n, w, j->out + i * j->inputs + at, j->inputs);
            at += VECTORS;
        } else {
            for (; i < j->rows; i++) R(dots)(1, 1, n, j->dy + i * n, w, j->out + i * j->inputs + at, j->inputs);
            at++;
        }
    }
}

void RK(few_rows_data)(int64_t rows, int64_t inputs, int64_t units, const REAL *dy, const REAL *w, REAL *dx)
{
    R(few_rows_job) job = {rows, inputs, units, 0, NULL, w, dy, dx};
    cnn_parallel((inputs + CHUNK / 4 - 1) / (CHUNK / 4), R(data_piece), &job);
}

#undef VEC
#undef LANES
#undef PANEL
