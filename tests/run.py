#!/usr/bin/python3
"""Runs the test suites and counts: unit (Criterion programs), sql (beside PostgreSQL 15), e2e (clients), fault (crashes)."""
import argparse
import glob
import os
import re
import subprocess
import sys
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests'))


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return '%d passed, %d failed, %d skipped' % (self.passed, self.failed, self.skipped)


# -- unit tests: one Criterion program per file
def run_program(path, options):
    name = os.path.basename(path)
    began = time.monotonic()
    try:
        r = subprocess.run([path, '-j2'], capture_output=True, text=True,
                           errors='replace', timeout=600 if options.sanitizer else 240,
                           cwd=os.path.dirname(os.path.abspath(options.unit_dir)))     # as ctest does
        output, status = r.stdout + r.stderr, r.returncode
    except subprocess.TimeoutExpired as e:
        output, status = 'timed out\n' + (e.stderr or b'').decode('utf-8', 'replace'), -1
    m = re.search(r'Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)', re.sub('\x1b\\[[0-9;]*m', '', output))
    if m:
        tested, passing, failing, crashing = map(int, m.groups())
        count = Count(passing, failing + crashing)
        if status != 0 and count.failed == 0:
            count.failed = 1
    else:
        count = Count(0, 1)
    print('%s unit %s: %s (%.1f s)' % ('ok  ' if not count.failed else 'FAIL', name, count, time.monotonic() - began),
          flush=True)
    if count.failed:
        print('\n'.join('     ' + line for line in output.strip().splitlines()[-60:]), flush=True)
    return count


def run_unit(options):
    total = Count()
    for source in sorted(glob.glob(os.path.join(ROOT, 'tests', 'unit', '*', 'test_*.c'))):
        name = os.path.basename(os.path.dirname(source)) + '_' + os.path.basename(source)[:-2]
        if options.only not in name:
            continue
        path = os.path.join(os.path.abspath(options.unit_dir), name)
        if os.access(path, os.X_OK):
            total.add(run_program(path, options))
        else:
            print('FAIL unit %s: not built' % name, flush=True)
            total.failed += 1
    return total


# -- Python suites
class CountingResult(unittest.TestResult):
    def __init__(self, suite_name):
        super().__init__()
        self.suite_name, self.count = suite_name, Count()
        self.buffer = False

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def line(self, word, test, more=''):
        name = test.id() if hasattr(test, 'id') else str(test)
        took = time.monotonic() - getattr(self, 'began', time.monotonic())
        print('%s %s %s (%.1f s)%s' % (word, self.suite_name, name, took, more), flush=True)

    def addSuccess(self, test):
        self.count.passed += 1
        self.line('ok  ', test)

    def addSkip(self, test, reason):
        self.count.skipped += 1
        self.line('skip', test, ': ' + reason)

    def _failed(self, test, err):
        self.count.failed += 1
        self.line('FAIL', test)
        text = self._exc_info_to_string(err, test) if hasattr(test, 'failureException') else str(err[1])
        print('\n'.join('     ' + line for line in text.strip().splitlines()[-40:]), flush=True)

    def addFailure(self, test, err):
        self._failed(test, err)

    def addError(self, test, err):
        self._failed(test, err)

    def addSubTest(self, test, subtest, err):
        if err is None:
            self.count.passed += 1
        else:
            self._failed(subtest, err)


def filter_tests(suite, only):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from filter_tests(item, only)
        elif only in item.id() or 'test_zz_end' in item.id() or isinstance(item, unittest.loader._FailedTest):
            yield item


def run_python(folder, name, options):
    folder = os.path.join(ROOT, 'tests', folder)
    found = unittest.defaultTestLoader.discover(folder, pattern='test_*.py', top_level_dir=folder)
    result = CountingResult(name)
    unittest.TestSuite(filter_tests(found, options.only)).run(result)
    return result.count


def run_sql(options):
    sys.path.insert(0, os.path.join(ROOT, 'tests', 'sql'))
    import difftest
    passed, failed, known = difftest.run_all(only=options.only)
    return Count(passed, failed, known)


SUITES = {
    'unit': run_unit,
    'sql': run_sql,
    'e2e': lambda o: run_python('e2e', 'e2e', o),
    'fault': lambda o: run_python('fault', 'fault', o),
}


def sanitizer_environment():
    os.environ.setdefault('ASAN_OPTIONS', 'detect_leaks=1:abort_on_error=0:exitcode=66:detect_stack_use_after_return=0')
    os.environ.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1')
    os.environ.setdefault('TSAN_OPTIONS', 'halt_on_error=0:exitcode=66:second_deadlock_stack=1:suppressions=' +
                          os.path.join(ROOT, 'tests', 'support', 'tsan.supp'))
    os.environ.setdefault('HELIOS_SLOWNESS', '6')
    os.environ['HELIOS_SANITIZER'] = '1'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--suites', default='unit,sql,e2e,fault', help='default: %(default)s')
    parser.add_argument('--only', default='', help='run the tests whose name contains this')
    parser.add_argument('--binary', default=os.path.join(ROOT, 'build', 'helios-nano'))
    parser.add_argument('--unit-dir', default=os.path.join(ROOT, 'build', 'debug', 'unit'))
    parser.add_argument('--label', default='test')
    parser.add_argument('--sanitizer', action='store_true', help='the binary is a sanitizer build: be patient, read its log')
    options = parser.parse_args()
    os.environ['HELIOS_BINARY'] = os.path.abspath(options.binary)
    if options.sanitizer:
        sanitizer_environment()
    total, began = Count(), time.monotonic()
    lines = []
    for name in options.suites.split(','):
        started = time.monotonic()
        try:
            count = SUITES[name](options)
        except (Exception, KeyboardInterrupt) as e:
            print('FAIL %s suite stopped: %s: %s' % (name, type(e).__name__, e), flush=True)
            count = Count(0, 1)
            if isinstance(e, KeyboardInterrupt):
                lines.append('interrupted')
                break
        total.add(count)
        lines.append('%-6s %s in %.0f s' % (name, count, time.monotonic() - started))
    os.makedirs(os.path.join(ROOT, 'build', 'results'), exist_ok=True)
    with open(os.path.join(ROOT, 'build', 'results', options.label + '.txt'), 'w') as f:
        f.write('%d %d %d\n' % (total.passed, total.failed, total.skipped))
    print('\n%s (%.0f s)' % (options.label, time.monotonic() - began))
    print('\n'.join('  ' + line for line in lines))
    print(str(total), flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == '__main__':
    sys.exit(main())
