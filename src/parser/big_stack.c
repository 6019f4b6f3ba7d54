/* The stacks are mapped once, with a guard page below each, and cost only the pages that were touched; a use that went deep gives them back.
 * The switch is a few instructions on x86-64 and aarch64, and a thread of its own elsewhere and under the address sanitizer. */
#include "parser/big_stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/thread.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if !defined(SANITIZED) && (defined(__x86_64__) || defined(__aarch64__))
#define SWITCH_STACKS 1
#endif

#ifndef SWITCH_STACKS

typedef struct Call { void (*fn)(void *); void *arg; } Call;

static void *run(void *p)
{
    Call *c = p;
    c->fn(c->arg);
    return NULL;
}

Status big_stack_call(void (*fn)(void *arg), void *arg, Error *err)
{
    pthread_t thread;
    Call c = {fn, arg};
    TRY(thread_start(&thread, "parser", BIG_STACK_BYTES, false, run, &c, err));
    pthread_join(thread, NULL);
    return ST_OK;
}

#else

enum { STACKS = 2, KEEP_BYTES = 64 << 10 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;
static char *stacks[STACKS];
static bool busy[STACKS];

/* Pages beyond the first 64 kB that a deep statement touched go back to the kernel. A run of marked words at that depth tells whether it was
 * that deep; frames may leave holes, hence many words. */
enum { MARKS = 64 };
#define MARK 0x5a5aa5a5c3c33c3cull

static uint64_t *marks(char *low) { return (uint64_t *)(low + BIG_STACK_BYTES - KEEP_BYTES); }

static void set_marks(char *low)
{
    for (int i = 0; i < MARKS; i++) marks(low)[i] = MARK;
}

static Status take(int *slot, Error *err)
{
    Status st = ST_OK;
    mutex_lock(&mutex);
    for (*slot = 0; busy[*slot]; *slot = (*slot + 1) % STACKS)
        if (busy[0] && busy[1]) cond_wait(&freed, &mutex);
    if (!stacks[*slot]) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *p = mmap(NULL, BIG_STACK_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (p == MAP_FAILED) st = error_out_of_memory(err, BIG_STACK_BYTES);
        else if (mprotect(p, page, PROT_NONE) != 0) st = error_out_of_memory(err, page);
        else set_marks(stacks[*slot] = p + page);
    }
    if (!failed(st)) busy[*slot] = true;
    mutex_unlock(&mutex);
    return st;
}

static void give_back(int slot)
{
    mutex_lock(&mutex);
    busy[slot] = false;
    cond_signal(&freed);
    mutex_unlock(&mutex);
}

/* The caller's stack pointer waits in a register that the callee saves. */
static __attribute__((noinline)) void call_on(char *top, void (*fn)(void *), void *arg)
{
#ifdef __x86_64__
    __asm__ volatile("movq %%rsp, %%rbx\n\tmovq %0, %%rsp\n\tcallq *%1\n\tmovq %%rbx, %%rsp"
                     : "+r"(top), "+r"(fn), "+D"(arg)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
                       "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#else
    register void *x0 __asm__("x0") = arg;
    __asm__ volatile("mov x19, sp\n\tmov sp, %0\n\tblr %1\n\tmov sp, x19"
                     : "+r"(top), "+r"(fn), "+r"(x0)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                       "x19", "x30", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21",
                       "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
#endif
}

static void trim(char *low)
{
    bool deep = false;
    for (int i = 0; i < MARKS; i++) deep |= marks(low)[i] != MARK;
    if (!deep) return;
    madvise(low, BIG_STACK_BYTES - KEEP_BYTES, MADV_DONTNEED);
    set_marks(low);
}

Status big_stack_call(void (*fn)(void *arg), void *arg, Error *err)
{
    int slot;
    void *low;
    size_t bytes;
    TRY(take(&slot, err));
    stack_bounds_get(&low, &bytes);
    stack_bounds_set(stacks[slot], BIG_STACK_BYTES);
    call_on(stacks[slot] + BIG_STACK_BYTES, fn, arg);
    stack_bounds_set(low, bytes);
    trim(stacks[slot]);
    give_back(slot);
    return ST_OK;
}

#endif
