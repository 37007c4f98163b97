import SQLite

/// The tables that every embedded coordinator begins with: the same rows in each, so that all answer alike.
enum SampleData {
    /// Makes what is not there yet.
    static func make(in connection: borrowing Connection) throws(SQLiteError) {
        try connection.execute("CREATE TABLE IF NOT EXISTS `$schemas` (name varchar PRIMARY KEY)")
        try connection.transaction { () throws(SQLiteError) in
            if try !connection.rows("SELECT 1 FROM `$schemas`").isEmpty { return }
            for schema in [
                "memory.default", "tpch.tiny", "tpch.sf1", "tpch.demo", "system.runtime", "system.metadata",
                "system.jdbc",
            ] {
                try connection.run("INSERT INTO `$schemas` VALUES (?)", .text(schema))
            }
            try makeNations(connection)
            try connection.execute(customers + orders + lineItems + large)
        }
    }

    private static func makeNations(_ connection: borrowing Connection) throws(SQLiteError) {
        try connection.execute(
            "CREATE TABLE `tpch.tiny.region` (regionkey bigint, name varchar(25), comment varchar(152));"
                + "CREATE TABLE `tpch.tiny.nation` (nationkey bigint, name varchar(25), regionkey bigint, comment varchar(152));"
        )
        for (key, name) in regions.enumerated() {
            try connection.run(
                "INSERT INTO `tpch.tiny.region` VALUES (?, ?, ?)", .integer(Int64(key)), .text(name),
                .text("what lies in \(name.lowercased())"))
        }
        for (key, nation) in nations.enumerated() {
            try connection.run(
                "INSERT INTO `tpch.tiny.nation` VALUES (?, ?, ?, ?)", .integer(Int64(key)), .text(nation.name),
                .integer(nation.region), .text("rivers and turbines of \(nation.name.lowercased())"))
        }
    }

    private static let regions = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]

    private static let nations: [(name: String, region: Int64)] = [
        ("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3),
        ("GERMANY", 3), ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2), ("JORDAN", 4),
        ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0), ("PERU", 1), ("CHINA", 2), ("ROMANIA", 3),
        ("SAUDI ARABIA", 4), ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3), ("UNITED STATES", 1),
    ]

    /// Numbers are scattered by a multiplication and a remainder: the same everywhere, and no generator is needed.
    private static let customers = """
        CREATE TABLE `tpch.tiny.customer`
            (custkey bigint, name varchar(25), nationkey bigint, acctbal double, mktsegment varchar(10));
        WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1500)
        INSERT INTO `tpch.tiny.customer`
        SELECT n, printf('Customer#%09d', n), n * 7919 % 25, (n * 104729 % 1100000) / 100.0 - 1000,
            CASE n % 5 WHEN 0 THEN 'AUTOMOBILE' WHEN 1 THEN 'BUILDING' WHEN 2 THEN 'FURNITURE' WHEN 3 THEN 'HOUSEHOLD'
            ELSE 'MACHINERY' END FROM c;
        """

    private static let orders = """
        CREATE TABLE `tpch.tiny.orders` (orderkey bigint, custkey bigint, orderstatus varchar(1), totalprice double,
            orderdate date, orderpriority varchar(15), comment varchar(79));
        WITH RECURSIVE o(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM o WHERE n < 15000)
        INSERT INTO `tpch.tiny.orders`
        SELECT n, 1 + n * 7919 % 1500, substr('FOP', 1 + n % 3, 1), (n * 1299709 % 45000000) / 100.0 + 900,
            date('1992-01-01', '+' || (n * 104729 % 2400) || ' days'), (1 + n % 5) || '-' ||
            CASE n % 5 WHEN 0 THEN 'URGENT' WHEN 1 THEN 'HIGH' WHEN 2 THEN 'MEDIUM' WHEN 3 THEN 'NOT SPECIFIED'
            ELSE 'LOW' END, 'order ' || n || ' waits at the gate' FROM o;
        """

    private static let lineItems = """
        CREATE TABLE `tpch.tiny.lineitem` (orderkey bigint, partkey bigint, suppkey bigint, linenumber integer,
            quantity double, extendedprice double, discount double, returnflag varchar(1), shipdate date,
            comment varchar(44));
        WITH RECURSIVE l(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM l WHERE n < 59999)
        INSERT INTO `tpch.tiny.lineitem`
        SELECT 1 + n / 4, 1 + n * 7919 % 2000, 1 + n * 104729 % 100, 1 + n % 4, 1 + n * 31 % 50,
            (n * 15485863 % 10000000) / 100.0 + 900, (n % 11) / 100.0, substr('ANR', 1 + n * 17 % 3, 1),
            date('1992-01-02', '+' || (n * 7919 % 2500) || ' days'), 'line ' || n || ' of the river' FROM l;
        """

    /// Results of any size without a table of that size: the rows are counted up as they are read.
    private static let large = """
        CREATE VIEW `tpch.demo.numbers` AS
            WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 100000000)
            SELECT n FROM counted;
        CREATE VIEW `tpch.sf1.orders` AS
            WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 1500000)
            SELECT n AS orderkey, 1 + n * 7919 % 150000 AS custkey, substr('FOP', 1 + n % 3, 1) AS orderstatus,
                (n * 1299709 % 45000000) / 100.0 + 900 AS totalprice,
                'order ' || n || ' waits at the gate' AS comment FROM counted;
        CREATE VIEW `tpch.sf1.lineitem` AS
            WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 5999999)
            SELECT 1 + n / 4 AS orderkey, 1 + n * 7919 % 200000 AS partkey, 1 + n % 4 AS linenumber,
                1 + n * 31 % 50 AS quantity, 'line ' || n || ' of the river' AS comment FROM counted;
        """
}
