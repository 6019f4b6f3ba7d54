#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static double per_second(uint64_t count, double seconds) { return seconds > 0 ? (double)count / seconds : 0.0; }

static double ms(double ns) { return ns / 1e6; }

static uint64_t written(const RunResult *r)
{
    if (r->has_device) return r->device_written;
    return r->after.write_bytes > r->before.write_bytes ? r->after.write_bytes - r->before.write_bytes : 0;
}

static double written_per_transaction(const RunResult *r)
{
    return r->transactions ? (double)written(r) / (double)r->transactions : 0.0;
}

void report_text(const RunResult *r)
{
    const Options *o = r->options;
    const Histogram *h = &r->latencies;
    printf("server:        %s\n", r->server_version);
    printf("workload:      %s, %s protocol, scale %d, %d client%s, %d thread%s\n", o->workload,
           query_mode_name(o->mode), r->scale, o->clients, o->clients == 1 ? "" : "s", o->threads,
           o->threads == 1 ? "" : "s");
    printf("transactions:  %" PRIu64 " in %.2f s, %" PRIu64 " failed", r->transactions, r->elapsed_s, r->failed);
    if (r->clients_lost) printf(", %d client%s lost", r->clients_lost, r->clients_lost == 1 ? "" : "s");
    printf("\nthroughput:    %.1f transactions/s", per_second(r->transactions, r->elapsed_s));
    if (r->rows) printf(", %.0f rows/s", per_second(r->rows, r->elapsed_s));
    printf("\nlatency ms:    mean %.3f  sd %.3f  p50 %.3f  p90 %.3f  p95 %.3f  p99 %.3f  p99.9 %.3f  max %.3f\n",
           ms(histogram_mean(h)), ms(histogram_stddev(h)), ms((double)histogram_quantile(h, 0.50)),
           ms((double)histogram_quantile(h, 0.90)), ms((double)histogram_quantile(h, 0.95)),
           ms((double)histogram_quantile(h, 0.99)), ms((double)histogram_quantile(h, 0.999)), ms((double)h->max_ns));
    printf("connecting:    %.3f s for all clients\n", r->connect_s);
    if (!r->has_usage) {
        puts("server usage:  unknown (its process is not on this machine, or may not be read)");
        return;
    }
    printf("memory (PSS):  %.1f MB before, %.1f MB peak, %.1f MB with the clients still connected\n",
           (double)r->before.pss_kb / 1024, (double)r->pss_peak_kb / 1024, (double)r->after.pss_kb / 1024);
    printf("disk writes:   %.1f MB, %.0f bytes per transaction (%s)\n", (double)written(r) / 1048576,
           written_per_transaction(r), r->has_device ? "by the device" : "charged to the processes");
    printf("server cpu:    %.2f s, %d process%s\n", (double)(r->after.cpu_ms - r->before.cpu_ms) / 1000,
           r->after.processes, r->after.processes == 1 ? "" : "es");
}

static void json_string(FILE *f, const char *name, const char *value)
{
    fprintf(f, "  \"%s\": \"", name);
    for (const char *p = value ? value : ""; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(f, "\\%c", *p);
        else if ((unsigned char)*p < 0x20)
            fprintf(f, "\\u%04x", *p);
        else
            fputc(*p, f);
    }
    fputs("\",\n", f);
}

static void json_latencies(FILE *f, const Histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
    fprintf(f, "  \"latency_ms\": {\"mean\": %.4f, \"stddev\": %.4f, \"min\": %.4f", ms(histogram_mean(h)),
            ms(histogram_stddev(h)), h->count ? ms((double)h->min_ns) : 0.0);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        fprintf(f, ", \"%s\": %.4f", quantiles[i].name, ms((double)histogram_quantile(h, quantiles[i].share)));
    fprintf(f, ", \"max\": %.4f},\n", ms((double)h->max_ns));
}

static void json_usage(FILE *f, const RunResult *r)
{
    if (!r->has_usage) {
        fputs("  \"server_usage\": null\n", f);
        return;
    }
    fprintf(f,
            "  \"server_usage\": {\"pss_before_kb\": %" PRIu64 ", \"pss_peak_kb\": %" PRIu64
            ", \"pss_after_kb\": %" PRIu64 ", \"rss_after_kb\": %" PRIu64 ", \"anonymous_after_kb\": %" PRIu64
            ", \"processes\": %d, \"threads\": %d, \"cpu_ms\": %" PRIu64 ", \"bytes_written\": %" PRIu64
            ", \"bytes_written_per_transaction\": %.1f, \"written_by_device\": %s}\n",
            r->before.pss_kb, r->pss_peak_kb, r->after.pss_kb, r->after.rss_kb, r->after.anonymous_kb,
            r->after.processes, r->after.threads, r->after.cpu_ms - r->before.cpu_ms, written(r),
            written_per_transaction(r), r->has_device ? "true" : "false");
}

bool report_json(const RunResult *r, const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!f) {
        perror(path);
        return false;
    }
    const Options *o = r->options;
    fputs("{\n", f);
    json_string(f, "label", o->label);
    json_string(f, "server_version", r->server_version);
    json_string(f, "workload", o->workload);
    if (o->query) json_string(f, "query", o->query);
    json_string(f, "mode", query_mode_name(o->mode));
    fprintf(f, "  \"scale\": %d,\n  \"clients\": %d,\n  \"threads\": %d,\n", r->scale, o->clients, o->threads);
    fprintf(f, "  \"connect_s\": %.4f,\n  \"elapsed_s\": %.4f,\n", r->connect_s, r->elapsed_s);
    fprintf(f, "  \"transactions\": %" PRIu64 ",\n  \"failed\": %" PRIu64 ",\n  \"clients_lost\": %d,\n",
            r->transactions, r->failed, r->clients_lost);
    fprintf(f, "  \"tps\": %.2f,\n  \"rows\": %" PRIu64 ",\n  \"rows_per_s\": %.1f,\n",
            per_second(r->transactions, r->elapsed_s), r->rows, per_second(r->rows, r->elapsed_s));
    json_latencies(f, &r->latencies);
    json_usage(f, r);
    fputs("}\n", f);
    bool ok = !ferror(f);
    if (f != stdout) ok = fclose(f) == 0 && ok;
    return ok;
}
