// What node-postgres programs do. Prints `ok NAME` or `not ok NAME: why` a test, and `done`.
'use strict';
const assert = require('assert');
const { Client, Pool, types } = require('pg');

const config = { host: '127.0.0.1', port: Number(process.env.PGPORT), user: 'postgres', database: process.env.PGDATABASE };

const tests = {
  async 'simple query'(c) {
    const r = await c.query("SELECT 1 AS n, 'x' AS s, NULL AS z, true AS b");
    assert.deepStrictEqual(r.rows, [{ n: 1, s: 'x', z: null, b: true }]);
    assert.strictEqual(r.command, 'SELECT');
    assert.deepStrictEqual(r.fields.map((f) => f.dataTypeID), [23, 25, 25, 16]);
  },
  async 'parameters'(c) {
    const r = await c.query('SELECT $1::int + 1 AS n, $2::text AS t, $3::int[] AS a, $4::timestamptz AS d, $5::bytea AS b',
      [41, "it's", [1, 2], new Date(0), Buffer.from([0, 255])]);
    assert.strictEqual(r.rows[0].n, 42);
    assert.strictEqual(r.rows[0].t, "it's");
    assert.deepStrictEqual(r.rows[0].a, [1, 2]);
    assert.strictEqual(r.rows[0].d.getTime(), 0);
    assert.deepStrictEqual(r.rows[0].b, Buffer.from([0, 255]));
  },
  async 'insert returning'(c) {
    await c.query('DROP TABLE IF EXISTS n');
    await c.query('CREATE TABLE n (id serial PRIMARY KEY, v text NOT NULL, k bigint, d date)');
    const r = await c.query("INSERT INTO n (v, k) VALUES ($1, $2), ('b', 2) RETURNING *", ['a', '9007199254740993']);
    assert.strictEqual(r.rowCount, 2);
    assert.deepStrictEqual(r.rows[0], { id: 1, v: 'a', k: '9007199254740993', d: null });
  },
  async 'named prepared statements'(c) {
    for (let i = 0; i < 20; i++) {
      const r = await c.query({ name: 'by-id', text: 'SELECT v FROM n WHERE id = $1', values: [1 + (i % 2)] });
      assert.strictEqual(r.rows[0].v, 'ab'[i % 2]);
    }
  },
  async 'binary results'(c) {
    const r = await c.query({ text: 'SELECT id, k, v FROM n ORDER BY id', binary: true });
    assert.strictEqual(r.rows[0].id, 1);
    assert.strictEqual(r.rows[0].v, 'a');
  },
  async 'errors'(c) {
    await assert.rejects(c.query('SELECT * FROM nowhere'), (e) => e.code === '42P01' && e.position === '15' && e.severity === 'ERROR');
    await assert.rejects(c.query('INSERT INTO n (v) VALUES (NULL)'), (e) => e.code === '23502' && e.column === 'v' && e.table === 'n');
    await assert.rejects(c.query('INSERT INTO n (id, v) VALUES ($1, $2)', [1, 'x']), (e) => e.code === '23505' && e.constraint === 'n_pkey');
    await assert.rejects(c.query('SELECT $1::int', ['abc']), (e) => e.code === '22P02');
    await c.query('SELECT 1');
  },
  async 'several statements'(c) {
    const r = await c.query('SELECT 1 AS a; SELECT 2 AS b; UPDATE n SET k = 0');
    assert.deepStrictEqual(r.map((x) => x.command), ['SELECT', 'SELECT', 'UPDATE']);
    assert.strictEqual(r[2].rowCount, 2);
  },
  async 'transactions'(c) {
    await c.query('BEGIN');
    await c.query("INSERT INTO n (v) VALUES ('tx')");
    await c.query('ROLLBACK');
    const r = await c.query('SELECT count(*)::int AS n FROM n');
    assert.strictEqual(r.rows[0].n, 2);
  },
  async 'row mode and row limits'(c) {
    const r = await c.query({ text: 'SELECT g, g * 2 FROM generate_series(1, 1000) g', rowMode: 'array' });
    assert.strictEqual(r.rows.length, 1000);
    assert.deepStrictEqual(r.rows[999], [1000, 2000]);
    const limited = await c.query({ text: 'SELECT g FROM generate_series(1, 1000) g', rows: 10 });
    assert.strictEqual(limited.rows.length, 1000);
  },
  async 'date and numeric as text'(c) {
    const r = await c.query("SELECT '2020-02-29'::date AS d, 1.50::numeric AS n, 9223372036854775807 AS big, '1 day 02:00'::interval AS i");
    assert.strictEqual(r.rows[0].n, '1.50');
    assert.strictEqual(r.rows[0].big, '9223372036854775807');
    assert.strictEqual(r.rows[0].i.days, 1);
  },
  async 'pool with concurrency'() {
    const pool = new Pool({ ...config, max: 10 });
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => pool.query('SELECT $1::int AS i', [i])));
    assert.deepStrictEqual(results.map((r) => r.rows[0].i), Array.from({ length: 200 }, (_, i) => i));
    await pool.end();
  },
  async 'many queries on one client'(c) {
    const results = await Promise.all(Array.from({ length: 500 }, (_, i) => c.query('SELECT ' + i + ' AS i')));
    assert.strictEqual(results[499].rows[0].i, 499);
  },
  async 'notices'(c) {
    const seen = new Promise((resolve) => c.once('notice', resolve));
    await c.query('DROP TABLE IF EXISTS not_there');
    assert.strictEqual((await seen).code, '00000');
  },
};

(async () => {
  const client = new Client(config);
  await client.connect();
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test(client);
      console.log('ok ' + name);
    } catch (e) {
      console.log('not ok ' + name + ': ' + String(e.message).split('\n').slice(0, 12).join(' / '));
    }
  }
  await client.end();
  console.log('done');
})().catch((e) => { console.log('not ok connection: ' + e.message); process.exit(1); });
