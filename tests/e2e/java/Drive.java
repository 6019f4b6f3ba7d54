import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** What JDBC programs do. Prints "ok NAME" or "not ok NAME: why" a test, and "done". */
public final class Drive {
    interface Test { void run(Connection c) throws Exception; }

    static String url;

    static Connection open(String... options) throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", "postgres");
        for (int i = 0; i < options.length; i += 2) p.setProperty(options[i], options[i + 1]);
        return DriverManager.getConnection(url, p);
    }

    static void check(Object want, Object got) {
        if (want == null ? got != null : !want.equals(got)) throw new AssertionError("expected " + want + " but got " + got);
    }

    static void test(String name, Test t) {
        try (Connection c = open()) {
            t.run(c);
            System.out.println("ok " + name);
        } catch (Throwable e) {
            System.out.println("not ok " + name + ": " + String.valueOf(e).replace('\n', ' '));
        }
    }

    static void exec(Connection c, String... sqls) throws SQLException {
        try (Statement s = c.createStatement()) { for (String sql : sqls) s.execute(sql); }
    }

    static String one(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) { r.next(); return r.getString(1); }
    }

    static List<String> column(ResultSet r, String name) throws SQLException {
        List<String> out = new ArrayList<>();
        while (r.next()) out.add(r.getString(name));
        return out;
    }

    static void expectState(String state, Test t, Connection c) throws Exception {
        try { t.run(c); } catch (SQLException e) { check(state, e.getSQLState()); return; }
        throw new AssertionError("no error, " + state + " expected");
    }

    static void types(Connection c) throws Exception {
        exec(c, "CREATE TABLE j (id int PRIMARY KEY, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(12,3), t text, v varchar(10), "
            + "b bool, d date, ts timestamp, tz timestamptz, ti time, by bytea, u uuid, a int[])");
        // past prepareThreshold the driver changes to named statements and the binary format
        for (int i = 0; i < 12; i++) {
            try (PreparedStatement p = c.prepareStatement("INSERT INTO j VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")) {
                p.setInt(1, i);
                p.setShort(2, (short) -i);
                p.setLong(3, 1L << 40);
                p.setFloat(4, 1.5f);
                p.setDouble(5, 0.1);
                p.setBigDecimal(6, new BigDecimal("123.456"));
                p.setString(7, "text " + i);
                p.setString(8, "v" + i);
                p.setBoolean(9, i % 2 == 0);
                p.setObject(10, LocalDate.of(2020, 2, 29));
                p.setTimestamp(11, Timestamp.valueOf("2020-02-29 12:34:56.789"));
                p.setObject(12, OffsetDateTime.of(2020, 2, 29, 12, 0, 0, 0, ZoneOffset.ofHours(2)));
                p.setTime(13, Time.valueOf("12:34:56"));
                p.setBytes(14, new byte[] {0, 1, -1});
                p.setObject(15, java.util.UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
                p.setArray(16, c.createArrayOf("int4", new Integer[] {1, null, 3}));
                check(1, p.executeUpdate());
            }
        }
        for (int i = 0; i < 12; i++) {
            try (PreparedStatement p = c.prepareStatement("SELECT * FROM j WHERE id = ?")) {
                p.setInt(1, i);
                try (ResultSet r = p.executeQuery()) {
                    check(true, r.next());
                    check((short) -i, r.getShort("i2"));
                    check(1L << 40, r.getLong("i8"));
                    check(1.5f, r.getFloat("f4"));
                    check(0.1, r.getDouble("f8"));
                    check(new BigDecimal("123.456"), r.getBigDecimal("n"));
                    check("text " + i, r.getString("t"));
                    check(i % 2 == 0, r.getBoolean("b"));
                    check(LocalDate.of(2020, 2, 29), r.getObject("d", LocalDate.class));
                    check(Timestamp.valueOf("2020-02-29 12:34:56.789"), r.getTimestamp("ts"));
                    check(OffsetDateTime.of(2020, 2, 29, 10, 0, 0, 0, ZoneOffset.UTC), r.getObject("tz", OffsetDateTime.class));
                    check("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", r.getString("u"));
                    check("[0, 1, -1]", Arrays.toString(r.getBytes("by")));
                    check("[1, null, 3]", Arrays.toString((Object[]) r.getArray("a").getArray()));
                }
            }
        }
    }

    static void nulls(Connection c) throws Exception {
        for (int i = 0; i < 8; i++) {
            try (PreparedStatement p = c.prepareStatement("SELECT ?::int, ?::text, ?::numeric")) {
                p.setNull(1, Types.INTEGER);
                p.setNull(2, Types.VARCHAR);
                p.setNull(3, Types.NUMERIC);
                try (ResultSet r = p.executeQuery()) { r.next(); r.getInt(1); check(true, r.wasNull()); check(null, r.getString(2)); }
            }
        }
    }

    static void generatedKeys(Connection c) throws Exception {
        exec(c, "CREATE TABLE gk (id serial PRIMARY KEY, v text)");
        try (PreparedStatement p = c.prepareStatement("INSERT INTO gk (v) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
            p.setString(1, "x");
            p.executeUpdate();
            ResultSet k = p.getGeneratedKeys();
            check(true, k.next());
            check(1, k.getInt("id"));
        }
    }

    static void batches(Connection c) throws Exception {
        exec(c, "CREATE TABLE ba (id int PRIMARY KEY, v text)");
        try (PreparedStatement p = c.prepareStatement("INSERT INTO ba VALUES (?, ?)")) {
            for (int i = 0; i < 1000; i++) { p.setInt(1, i); p.setString(2, "v" + i); p.addBatch(); }
            check(1000, p.executeBatch().length);
        }
        try (Connection r = open("reWriteBatchedInserts", "true"); PreparedStatement p = r.prepareStatement("INSERT INTO ba VALUES (?, ?)")) {
            for (int i = 1000; i < 2000; i++) { p.setInt(1, i); p.setString(2, "v" + i); p.addBatch(); }
            p.executeBatch();
        }
        check("2000", one(c, "SELECT count(*) FROM ba"));
        expectState("23505", x -> exec(x, "INSERT INTO ba VALUES (5, 'again')"), c);
    }

    static void fetchSize(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (PreparedStatement p = c.prepareStatement("SELECT g FROM generate_series(1, 5000) g")) {
            p.setFetchSize(100);
            long sum = 0;
            try (ResultSet r = p.executeQuery()) { while (r.next()) sum += r.getLong(1); }
            check(12502500L, sum);
        }
        c.commit();
    }

    static void transactions(Connection c) throws Exception {
        exec(c, "CREATE TABLE tx (id int PRIMARY KEY)");
        c.setAutoCommit(false);
        exec(c, "INSERT INTO tx VALUES (1)");
        Savepoint s = c.setSavepoint("sp");
        expectState("23505", x -> exec(x, "INSERT INTO tx VALUES (1)"), c);
        expectState("25P02", x -> exec(x, "SELECT 1"), c);
        c.rollback(s);
        exec(c, "INSERT INTO tx VALUES (2)");
        c.commit();
        exec(c, "INSERT INTO tx VALUES (3)");
        c.rollback();
        c.setAutoCommit(true);
        check("2", one(c, "SELECT count(*) FROM tx"));
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        check(Connection.TRANSACTION_REPEATABLE_READ, c.getTransactionIsolation());
        c.setReadOnly(true);
        c.setAutoCommit(false);
        expectState("25006", x -> exec(x, "INSERT INTO tx VALUES (9)"), c);
        c.rollback();
    }

    static void autosave(Connection unused) throws Exception {
        try (Connection c = open("autosave", "always")) {
            c.setAutoCommit(false);
            exec(c, "CREATE TABLE asv (id int PRIMARY KEY)", "INSERT INTO asv VALUES (1)");
            expectState("23505", x -> exec(x, "INSERT INTO asv VALUES (1)"), c);
            exec(c, "INSERT INTO asv VALUES (2)");
            c.commit();
            check("2", one(c, "SELECT count(*) FROM asv"));
        }
    }

    static void metadata(Connection c) throws Exception {
        exec(c, "CREATE TABLE md (id bigserial PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', price numeric(8,2), UNIQUE (name))",
            "CREATE VIEW md_view AS SELECT id FROM md");
        DatabaseMetaData m = c.getMetaData();
        check("PostgreSQL", m.getDatabaseProductName());
        check(15, m.getDatabaseMajorVersion());
        check(Arrays.asList("md", "md_view"), column(m.getTables(null, "public", "md%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME"));
        ResultSet r = m.getColumns(null, "public", "md", "%");
        List<String> got = new ArrayList<>();
        while (r.next()) got.add(r.getString("COLUMN_NAME") + " " + r.getString("TYPE_NAME") + " " + r.getInt("COLUMN_SIZE") + " "
            + r.getInt("DECIMAL_DIGITS") + " " + r.getString("IS_NULLABLE") + " " + r.getString("IS_AUTOINCREMENT"));
        check("[id bigserial 19 0 NO YES, name varchar 20 0 NO NO, price numeric 8 2 YES NO]", got.toString());
        check(Arrays.asList("id"), column(m.getPrimaryKeys(null, "public", "md"), "COLUMN_NAME"));
        List<String> indexes = column(m.getIndexInfo(null, "public", "md", false, false), "INDEX_NAME");
        check("[md_name_key, md_pkey]", indexes.toString());
        check(true, column(m.getSchemas(), "TABLE_SCHEM").contains("public"));
        check(true, column(m.getTypeInfo(), "TYPE_NAME").contains("int4"));
        check(true, column(m.getCatalogs(), "TABLE_CAT").size() >= 1);
        try (PreparedStatement p = c.prepareStatement("SELECT id, name, price AS cost FROM md WHERE id = ?")) {
            ResultSetMetaData q = p.getMetaData();
            check("bigserial varchar numeric", q.getColumnTypeName(1) + " " + q.getColumnTypeName(2) + " " + q.getColumnTypeName(3));
            check("cost", q.getColumnLabel(3));
            check("md", q.getTableName(1));
            check(20, q.getPrecision(2));
            check(ResultSetMetaData.columnNoNulls, q.isNullable(2));
            check(true, q.isAutoIncrement(1));
            check(Types.BIGINT, p.getParameterMetaData().getParameterType(1));
        }
    }

    static void updatable(Connection c) throws Exception {
        exec(c, "CREATE TABLE up (id int PRIMARY KEY, v text)", "INSERT INTO up VALUES (1, 'a'), (2, 'b')");
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
             ResultSet r = s.executeQuery("SELECT id, v FROM up ORDER BY id")) {
            r.next();
            r.updateString("v", "changed");
            r.updateRow();
            r.last();
            r.deleteRow();
        }
        check("changed", one(c, "SELECT string_agg(v, ',') FROM up"));
    }

    static void copy(Connection c) throws Exception {
        exec(c, "CREATE TABLE cp (id int, v text)");
        CopyManager m = c.unwrap(PGConnection.class).getCopyAPI();
        check(3L, m.copyIn("COPY cp FROM STDIN", new java.io.StringReader("1\ta\n2\tb\n3\t\\N\n")));
        java.io.StringWriter out = new java.io.StringWriter();
        check(3L, m.copyOut("COPY cp TO STDOUT CSV", out));
        check("1,a\n2,b\n3,\n", out.toString());
    }

    static void schemaChange(Connection c) throws Exception {
        exec(c, "CREATE TABLE sc (id int)", "INSERT INTO sc VALUES (1)");
        try (PreparedStatement p = c.prepareStatement("SELECT * FROM sc")) {
            for (int i = 0; i < 10; i++) p.executeQuery().close();
            exec(c, "ALTER TABLE sc ADD COLUMN v text DEFAULT 'x'");
            try (ResultSet r = p.executeQuery()) { check(true, r.next()); }
        }
    }

    static void timeout(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(1);
            expectState("57014", x -> s.executeQuery("SELECT count(*) FROM generate_series(1, 2000000000) g"), c);
        }
        check(true, c.isValid(5));
        check("1", one(c, "SELECT 1"));
    }

    static void simpleMode(Connection unused) throws Exception {
        try (Connection c = open("preferQueryMode", "simple"); PreparedStatement p = c.prepareStatement("SELECT ? + 1, ?")) {
            p.setInt(1, 4);
            p.setString(2, "it's");
            ResultSet r = p.executeQuery();
            r.next();
            check(5, r.getInt(1));
            check("it's", r.getString(2));
        }
    }

    static void statementsAndEscapes(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            check(true, s.execute("SELECT 1; SELECT 2"));
            check(true, s.getMoreResults());
            s.getResultSet().next();
            check(2, s.getResultSet().getInt(1));
            s.execute("");
        }
        check("2020-02-29", one(c, "SELECT {d '2020-02-29'}"));
        check("ABC", one(c, "SELECT {fn ucase('abc')}"));
        try (CallableStatement f = c.prepareCall("{? = call upper(?)}")) {
            f.registerOutParameter(1, Types.VARCHAR);
            f.setString(2, "abc");
            f.execute();
            check("ABC", f.getString(1));
        }
    }

    public static void main(String[] args) throws Exception {
        url = args[0];
        test("types, text and binary", Drive::types);
        test("nulls", Drive::nulls);
        test("generated keys", Drive::generatedKeys);
        test("batches", Drive::batches);
        test("fetch size", Drive::fetchSize);
        test("transactions and savepoints", Drive::transactions);
        test("autosave", Drive::autosave);
        test("metadata", Drive::metadata);
        test("updatable result set", Drive::updatable);
        test("copy manager", Drive::copy);
        test("plan survives a schema change", Drive::schemaChange);
        test("query timeout", Drive::timeout);
        test("simple query mode", Drive::simpleMode);
        test("several statements and escapes", Drive::statementsAndEscapes);
        System.out.println("done");
    }
}
