/* The loops of losses.c for one type: REAL is float or double, NAME(x) a kernel's name, LOCAL(x) a static's, EXP,
 * LOG_NORMAL and LOG1P_UNIT its functions. Included once per type; undefines them at the end. */

#define BLOCK 512 /* elements that are handled at a time; their losses stay in the first-level cache */

/* ---- classes along the row ---- */

/* Both in 8 lanes, as one would wait for each element in turn. */
CNN_INLINE REAL LOCAL(row_max)(int64_t n, const REAL *x)
{
    REAL m = x[0], lanes[8];
    int64_t whole = n & ~(int64_t)7;
    for (int k = 0; k < 8; k++) lanes[k] = m;
    for (int64_t i = 0; i < whole; i += 8)
        for (int k = 0; k < 8; k++) lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
    for (int64_t i = whole; i < n; i++) m = x[i] > m ? x[i] : m;
    for (int k = 0; k < 8; k++) m = lanes[k] > m ? lanes[k] : m;
    return m;
}

CNN_INLINE REAL LOCAL(row_sum)(int64_t n, const REAL *x)
{
    double lanes[8] = {0}, sum = 0;
    int64_t whole = n & ~(int64_t)7;
    for (int64_t i = 0; i < whole; i += 8)
        for (int k = 0; k < 8; k++) lanes[k] += (double)x[i + k];
    for (int64_t i = whole; i < n; i++) sum += (double)x[i];
    for (int k = 0; k < 8; k++) sum += lanes[k];
    return (REAL)sum;
}

/* e[i] = exp(x[i] - m); returns the sum. E has at least min(n, BLOCK) places and is not advanced if STAY. */
CNN_INLINE REAL LOCAL(exp_row)(int64_t n, const REAL *x, REAL m, REAL *e, bool stay)
{
    double sum = 0;
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int64_t count = n - begin < BLOCK ? n - begin : BLOCK;
        REAL *to = stay ? e : e + begin;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < count; i++) to[i] = EXP(x[begin + i] - m);
        sum += (double)LOCAL(row_sum)(count, to);
    }
    return (REAL)sum;
}

/* e[r, i] = exp(x[r, i] - top[r]) and the SUM of each row, TOP being its largest element. ROWS rows of N are a block at
 * most, or one longer row, of which E then keeps all if STAY is false. Short rows share their vectors. */
CNN_INLINE void LOCAL(exp_rows)(int64_t rows, int64_t n, const REAL *x, REAL *e, bool stay, REAL *top, REAL *sum)
{
    if (n > BLOCK) {
        top[0] = LOCAL(row_max)(n, x);
        sum[0] = LOCAL(exp_row)(n, x, top[0], e, stay);
        return;
    }
    for (int64_t r = 0; r < rows; r++) {
        REAL m = LOCAL(row_max)(n, x + r * n);
        for (int64_t i = 0; i < n; i++) e[r * n + i] = x[r * n + i] - m;
        top[r] = m;
    }
    CNN_INDEPENDENT
    for (int64_t i = 0; i < rows * n; i++) e[i] = EXP(e[i]);
    for (int64_t r = 0; r < rows; r++) sum[r] = LOCAL(row_sum)(n, e + r * n);
}

CNN_INLINE REAL LOCAL(clip)(REAL p, REAL low, REAL high)
{
    p = p < low ? low : p;
    return p > high ? high : p;
}

/* M and SUM as from exp_rows, whose e is in GRAD, if that is asked for. */
static void LOCAL(categorical_logits)(const cnn_loss_job *job, const REAL *t, const REAL *x, REAL m, REAL sum,
                                      REAL *loss, REAL g, REAL *grad)
{
    int64_t n = job->columns;
    REAL scale = (REAL)job->target_scale, shift = (REAL)job->target_shift;
    if (!grad) {
        REAL log_sum = LOG_NORMAL(sum);
        double total = 0;
        for (int64_t i = 0; i < n; i++) total += (double)((t[i] * scale + shift) * (log_sum - (x[i] - m)));
        *loss = (REAL)total;
        return;
    }
    REAL mass = LOCAL(row_sum)(n, t) * scale + (REAL)n * shift, factor = mass / sum;
    for (int64_t i = 0; i < n; i++) grad[i] = g * (grad[i] * factor - (t[i] * scale + shift));
}

/* q = p / sum(p), clipped; loss = -sum t ln q. */
static void LOCAL(categorical_probabilities)(const cnn_loss_job *job, const REAL *t, const REAL *p, REAL *loss, REAL g,
                                             REAL *grad)
{
    int64_t n = job->columns;
    REAL scale = (REAL)job->target_scale, shift = (REAL)job->target_shift, scratch[BLOCK];
    REAL low = (REAL)job->epsilon, high = (REAL)(1.0 - job->epsilon), sum = LOCAL(row_sum)(n, p);
    double total = 0;
    if (!grad) {
        for (int64_t begin = 0; begin < n; begin += BLOCK) {
            int64_t count = n - begin < BLOCK ? n - begin : BLOCK;
            for (int64_t i = 0; i < count; i++) {
                REAL q = LOCAL(clip)(p[begin + i] / sum, low, high);
                scratch[i] = (t[begin + i] * scale + shift) * LOG_NORMAL(q);
            }
            for (int64_t i = 0; i < count; i++) total += (double)scratch[i];
        }
        *loss = (REAL)-total;
        return;
    }
    /* d loss / d q = -t / q where the clip passes, else 0; through q = p / sum: (u - sum(u q)) / sum. */
    for (int64_t i = 0; i < n; i++) {
        REAL q = p[i] / sum;
        REAL u = q < low || q > high ? 0 : -(t[i] * scale + shift) / q;
        grad[i] = u;
        total += (double)(u * q);
    }
    REAL dot = (REAL)total, factor = g / sum;
    for (int64_t i = 0; i < n; i++) grad[i] = factor * (grad[i] - dot);
}

void NAME(categorical_crossentropy)(const cnn_loss_job *job, int64_t begin, int64_t end)
{
    int64_t n = job->columns, rows_at_once = n > BLOCK ? 1 : BLOCK / n;
    REAL scratch[BLOCK], top[BLOCK], sum[BLOCK];
    for (int64_t at = begin; at < end; at += rows_at_once) {
        int64_t rows = end - at < rows_at_once ? end - at : rows_at_once;
        const REAL *t = (const REAL *)job->target + at * n, *x = (const REAL *)job->prediction + at * n;
        REAL *grads = job->grad ? (REAL *)job->grad + at * n : NULL;
        if (job->from_logits) LOCAL(exp_rows)(rows, n, x, grads ? grads : scratch, !grads, top, sum);
        for (int64_t r = 0; r < rows; r++) {
            REAL *grad = grads ? grads + r * n : NULL, *loss = grads ? NULL : (REAL *)job->loss + at + r;
            REAL g = grads ? ((const REAL *)job->grad_loss)[at + r] : 0;
            if (job->from_logits) LOCAL(categorical_logits)(job, t + r * n, x + r * n, top[r], sum[r], loss, g, grad);
            else LOCAL(categorical_probabilities)(job, t + r * n, x + r * n, loss, g, grad);
        }
    }
}

static void LOCAL(sparse_logits)(int64_t n, int64_t label, const REAL *x, REAL m, REAL sum, REAL *loss, REAL g,
                                 REAL *grad)
{
    if (!grad) {
        *loss = LOG_NORMAL(sum) - (x[label] - m);
        return;
    }
    REAL factor = g / sum;
    for (int64_t i = 0; i < n; i++) grad[i] *= factor;
    grad[label] -= g;
}

/* q = clip(p); loss = ln sum(q) - ln q[label]. */
static void LOCAL(sparse_probabilities)(const cnn_loss_job *job, int64_t label, const REAL *p, REAL *loss, REAL g,
                                        REAL *grad)
{
    int64_t n = job->columns;
    REAL low = (REAL)job->epsilon, high = (REAL)(1.0 - job->epsilon), q = LOCAL(clip)(p[label], low, high);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)LOCAL(clip)(p[i], low, high);
    if (!grad) {
        *loss = LOG_NORMAL((REAL)sum) - LOG_NORMAL(q);
        return;
    }
    REAL share = g / (REAL)sum;
    for (int64_t i = 0; i < n; i++) grad[i] = p[i] < low || p[i] > high ? 0 : share;
    if (!(p[label] < low || p[label] > high)) grad[label] -= g / q;
}

void NAME(sparse_categorical_crossentropy)(const cnn_loss_job *job, int64_t begin, int64_t end)
{
    int64_t n = job->columns, rows_at_once = n > BLOCK ? 1 : BLOCK / n;
    REAL scratch[BLOCK], top[BLOCK], sum[BLOCK];
    for (int64_t at = begin; at < end; at += rows_at_once) {
        int64_t rows = end - at < rows_at_once ? end - at : rows_at_once;
        const REAL *x = (const REAL *)job->prediction + at * n;
        REAL *grads = job->grad ? (REAL *)job->grad + at * n : NULL;
        if (job->from_logits) LOCAL(exp_rows)(rows, n, x, grads ? grads : scratch, !grads, top, sum);
        for (int64_t r = 0; r < rows; r++) {
            REAL *grad = grads ? grads + r * n : NULL, *loss = grads ? NULL : (REAL *)job->loss + at + r;
            REAL g = grads ? ((const REAL *)job->grad_loss)[at + r] : 0;
            int64_t label = job->labels[at + r];
            if (label == job->ignored) {
                if (grad) memset(grad, 0, (size_t)n * sizeof *grad);
                else *loss = 0;
            } else if (job->from_logits) {
                LOCAL(sparse_logits)(n, label, x + r * n, top[r], sum[r], loss, g, grad);
            } else {
                LOCAL(sparse_probabilities)(job, label, x + r * n, loss, g, grad);
            }
        }
    }
}

/* ---- losses of single elements, averaged over the row ---- */

/* The loss of COUNT elements, or its derivative by the prediction. */
typedef void LOCAL(element_fn)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x, REAL *out);

/* A row may be one element (the channel of a grey image) or a million, so blocks span rows or parts of one. */
CNN_INLINE void LOCAL(mean_forward)(const cnn_loss_job *job, int64_t begin, int64_t end, LOCAL(element_fn) * element)
{
    int64_t n = job->columns, rows_at_once = n > BLOCK ? 1 : BLOCK / n;
    const REAL *t = job->target, *x = job->prediction;
    REAL *loss = job->loss, scratch[BLOCK];
    for (int64_t r = begin; r < end; r += rows_at_once) {
        int64_t rows = end - r < rows_at_once ? end - r : rows_at_once;
        if (n == 1) {
            element(job, rows, t + r, x + r, loss + r);
            continue;
        }
        double total = 0;
        for (int64_t at = 0; at < rows * n; at += BLOCK) {
            int64_t count = rows * n - at < BLOCK ? rows * n - at : BLOCK;
            element(job, count, t + r * n + at, x + r * n + at, scratch);
            if (n > BLOCK) {
                for (int64_t i = 0; i < count; i++) total += (double)scratch[i];
                continue;
            }
            for (int64_t k = 0; k < rows; k++) {
                total = 0;
                for (int64_t i = 0; i < n; i++) total += (double)scratch[k * n + i];
                loss[r + k] = (REAL)(total / (double)n);
            }
        }
        if (n > BLOCK) loss[r] = (REAL)(total / (double)n);
    }
}

CNN_INLINE void LOCAL(mean_backward)(const cnn_loss_job *job, int64_t begin, int64_t end,
                                     LOCAL(element_fn) * derivative)
{
    int64_t n = job->columns;
    REAL *grad = job->grad;
    const REAL *g = job->grad_loss;
    for (int64_t at = begin * n; at < end * n; at += BLOCK) {
        int64_t count = end * n - at < BLOCK ? end * n - at : BLOCK;
        derivative(job, count, (const REAL *)job->target + at, (const REAL *)job->prediction + at, grad + at);
    }
    if (n == 1) {
        for (int64_t r = begin; r < end; r++) grad[r] *= g[r];
        return;
    }
    for (int64_t r = begin; r < end; r++) {
        REAL factor = g[r] / (REAL)n;
        for (int64_t i = 0; i < n; i++) grad[r * n + i] *= factor;
    }
}

/* max(x, 0) - x t + ln(1 + exp(-|x|)) */
CNN_INLINE void LOCAL(binary_logits)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x, REAL *out)
{
    REAL scale = (REAL)job->target_scale, shift = (REAL)job->target_shift;
    for (int64_t i = 0; i < count; i++) {
        REAL target = t[i] * scale + shift, v = x[i], positive = v < 0 ? 0 : v;
        out[i] = positive - v * target + LOG1P_UNIT(EXP(v < 0 ? v : -v));
    }
}

/* sigmoid(x) - t */
CNN_INLINE void LOCAL(binary_logits_derivative)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x,
                                                REAL *out)
{
    REAL scale = (REAL)job->target_scale, shift = (REAL)job->target_shift;
    for (int64_t i = 0; i < count; i++) {
        REAL v = x[i], e = EXP(v < 0 ? v : -v);
        out[i] = (v < 0 ? e : 1) / (1 + e) - (t[i] * scale + shift);
    }
}

CNN_INLINE void LOCAL(binary_probabilities)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x,
                                            REAL *out)
{
    REAL scale = (REAL)job->target_scale, shift = (REAL)job->target_shift;
    REAL low = (REAL)job->epsilon, high = (REAL)(1.0 - job->epsilon);
    for (int64_t i = 0; i < count; i++) {
        REAL target = t[i] * scale + shift, p = LOCAL(clip)(x[i], low, high);
        out[i] = -(target * LOG_NORMAL(p) + (1 - target) * LOG_NORMAL(1 - p));
    }
}

/* (1 - t) / (1 - p) - t / p where the clip passes, else 0 */
CNN_INLINE void LOCAL(binary_probabilities_derivative)(const cnn_loss_job *job, int64_t count, const REAL *t,
                                                       const REAL *x, REAL *out)
{
    REAL scale = (REAL)job->target_scale, shift = (REAL)job->target_shift;
    REAL low = (REAL)job->epsilon, high = (REAL)(1.0 - job->epsilon);
    for (int64_t i = 0; i < count; i++) {
        REAL target = t[i] * scale + shift, p = LOCAL(clip)(x[i], low, high);
        REAL d = (1 - target) / (1 - p) - target / p;
        out[i] = x[i] < low || x[i] > high ? 0 : d;
    }
}

CNN_INLINE void LOCAL(squared)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x, REAL *out)
{
    (void)job;
    for (int64_t i = 0; i < count; i++) out[i] = (t[i] - x[i]) * (t[i] - x[i]);
}

CNN_INLINE void LOCAL(squared_derivative)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x,
                                          REAL *out)
{
    (void)job;
    for (int64_t i = 0; i < count; i++) out[i] = 2 * (x[i] - t[i]);
}

CNN_INLINE void LOCAL(absolute)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x, REAL *out)
{
    (void)job;
    for (int64_t i = 0; i < count; i++) {
        REAL d = t[i] - x[i];
        out[i] = d < 0 ? -d : d;
    }
}

/* sign(x - t), 0 where equal, NaN for NaN */
CNN_INLINE void LOCAL(absolute_derivative)(const cnn_loss_job *job, int64_t count, const REAL *t, const REAL *x,
                                           REAL *out)
{
    (void)job;
    for (int64_t i = 0; i < count; i++) {
        REAL d = x[i] - t[i], sign = d > 0 ? 1 : -1;
        out[i] = d == 0 || d != d ? d : sign;
    }
}

void NAME(binary_crossentropy)(const cnn_loss_job *job, int64_t begin, int64_t end)
{
    if (job->from_logits) {
        if (job->grad) LOCAL(mean_backward)(job, begin, end, LOCAL(binary_logits_derivative));
        else LOCAL(mean_forward)(job, begin, end, LOCAL(binary_logits));
    } else {
        if (job->grad) LOCAL(mean_backward)(job, begin, end, LOCAL(binary_probabilities_derivative));
        else LOCAL(mean_forward)(job, begin, end, LOCAL(binary_probabilities));
    }
}

void NAME(squared_error)(const cnn_loss_job *job, int64_t begin, int64_t end)
{
    if (job->grad) LOCAL(mean_backward)(job, begin, end, LOCAL(squared_derivative));
    else LOCAL(mean_forward)(job, begin, end, LOCAL(squared));
}

void NAME(absolute_error)(const cnn_loss_job *job, int64_t begin, int64_t end)
{
    if (job->grad) LOCAL(mean_backward)(job, begin, end, LOCAL(absolute_derivative));
    else LOCAL(mean_forward)(job, begin, end, LOCAL(absolute));
}

/* ---- sums ---- */

double NAME(weighted_sum)(int64_t n, int64_t inner, const REAL *x, const REAL *w)
{
    double lanes[8] = {0}, total = 0;
    if (w && inner > 1) {
        for (int64_t r = 0; r < n / inner; r++)
            total += (double)w[r] * NAME(weighted_sum)(inner, 1, x + r * inner, NULL);
        return total;
    }
    int64_t whole = n & ~(int64_t)7;
    for (int64_t i = 0; i < whole; i += 8)
        for (int k = 0; k < 8; k++) lanes[k] += (double)x[i + k] * (w ? (double)w[i + k] : 1.0);
    for (int64_t i = whole; i < n; i++) total += (double)x[i] * (w ? (double)w[i] : 1.0);
    for (int k = 0; k < 8; k++) total += lanes[k];
    return total;
}

#undef BLOCK
#undef REAL
#undef NAME
#undef EXP
#undef LOG_NORMAL
#undef LOG1P_UNIT
#undef LOCAL
