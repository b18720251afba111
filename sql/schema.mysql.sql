-- The schema of one xatop node, for MySQL 8.0.30 and later. schema.mariadb.sql says the same in MariaDB's words.
--
-- No foreign keys: their checks take shared row locks, and what a branch's decision rests on must be exclusive locks it
-- took itself. Every table is InnoDB: nothing else has XA. Money is in minor units (cents).
-- A statement ends with a semicolon at the end of a line. Repeating the file is harmless.

-- business: bank

CREATE TABLE IF NOT EXISTS accounts (
    id      BIGINT NOT NULL PRIMARY KEY,
    owner   VARCHAR(64) NOT NULL,
    balance BIGINT NOT NULL,
    CONSTRAINT accounts_not_overdrawn CHECK (balance >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;

-- business: inventory. products on one node; customers, orders and payments on another

CREATE TABLE IF NOT EXISTS products (
    id    BIGINT NOT NULL PRIMARY KEY,
    name  VARCHAR(64) NOT NULL,
    price BIGINT NOT NULL,
    stock BIGINT NOT NULL,
    CONSTRAINT products_price_positive CHECK (price >= 0),
    CONSTRAINT products_in_stock CHECK (stock >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;

CREATE TABLE IF NOT EXISTS customers (
    id      BIGINT NOT NULL PRIMARY KEY,
    name    VARCHAR(64) NOT NULL,
    balance BIGINT NOT NULL,
    CONSTRAINT customers_not_overdrawn CHECK (balance >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;

-- what an order cost is the payment of the same gtrid
CREATE TABLE IF NOT EXISTS orders (
    gtrid    VARBINARY(64) NOT NULL PRIMARY KEY,
    product  BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    CONSTRAINT orders_quantity_positive CHECK (quantity > 0)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS payments (
    gtrid    VARBINARY(64) NOT NULL PRIMARY KEY,
    customer BIGINT NOT NULL,
    amount   BIGINT NOT NULL,
    CONSTRAINT payments_amount_positive CHECK (amount > 0)
) ENGINE = InnoDB;

-- Sums of the sample data as inserted: what the audit starts from.
CREATE TABLE IF NOT EXISTS xa_initial (
    tbl   VARCHAR(16) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    total BIGINT NOT NULL
) ENGINE = InnoDB;

-- One row per operation of a branch, written inside the branch. delta NOT NULL is the guard: an operation that did not
-- change exactly one row writes NULL there, and the whole branch fails. The row is also the witness of the outcome.
CREATE TABLE IF NOT EXISTS xa_marker (
    gtrid    VARBINARY(64) NOT NULL,
    branch   TINYINT UNSIGNED NOT NULL,
    step     TINYINT UNSIGNED NOT NULL,
    branches TINYINT UNSIGNED NOT NULL,
    tbl      VARCHAR(16) CHARACTER SET ascii NOT NULL,
    row_id   BIGINT NOT NULL,
    delta    BIGINT NOT NULL,
    at       DATETIME(3) NOT NULL,
    PRIMARY KEY (gtrid, branch, step)
) ENGINE = InnoDB;

-- The verified floor of a decision log: every transaction of it up to gtrid `finished` is finished on every node, and its
-- markers were seen complete. Markers up to `pruned` are gone: their sums are in xa_folded. origin: how its gtrids begin.
CREATE TABLE IF NOT EXISTS xa_floor (
    origin   VARBINARY(64) NOT NULL PRIMARY KEY,
    finished VARBINARY(64) NOT NULL,
    pruned   VARBINARY(64) NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS xa_folded (
    tbl   VARCHAR(16) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    delta BIGINT NOT NULL
) ENGINE = InnoDB;

-- Idempotency keys, written inside the branch that owns the debited account or the ordered product.
CREATE TABLE IF NOT EXISTS xa_key (
    k           VARBINARY(64) NOT NULL PRIMARY KEY,
    fingerprint CHAR(32) CHARACTER SET ascii NOT NULL,
    gtrid       VARBINARY(64) NOT NULL
) ENGINE = InnoDB;

-- The identity of this node: one row, made once.
CREATE TABLE IF NOT EXISTS xa_node (
    one     TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    id      BIGINT UNSIGNED NOT NULL,
    created DATETIME(3) NOT NULL,
    CONSTRAINT xa_node_single CHECK (one = 1)
) ENGINE = InnoDB;

-- Which decision log owns a coordinator id, and its newest epoch. No branch ever locks this row.
CREATE TABLE IF NOT EXISTS xa_epoch (
    coordinator VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    log_id      BIGINT UNSIGNED NOT NULL,
    epoch       INT UNSIGNED NOT NULL,
    host        VARCHAR(64) NOT NULL,
    pid         BIGINT NOT NULL,
    since_ms    BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;

-- Where each decision log was (the folder, on which machine) when it last raised its epoch here. elsewhere: up to which epoch
-- it has been at other places: what became of an undecided branch of those, only the log there knows.
CREATE TABLE IF NOT EXISTS xa_place (
    coordinator VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    log_id      BIGINT UNSIGNED NOT NULL,
    place       BIGINT UNSIGNED NOT NULL,
    epoch       INT UNSIGNED NOT NULL,
    elsewhere   INT UNSIGNED NOT NULL,
    PRIMARY KEY (coordinator, log_id)
) ENGINE = InnoDB;

-- Every session of a coordinator registers here before it does anything, so that a later epoch can end it.
CREATE TABLE IF NOT EXISTS xa_session (
    coordinator   VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    connection_id BIGINT UNSIGNED NOT NULL,
    server_start  BIGINT NOT NULL,
    log_id        BIGINT UNSIGNED NOT NULL,
    epoch         INT UNSIGNED NOT NULL,
    opened        DATETIME(3) NOT NULL,
    PRIMARY KEY (coordinator, connection_id, server_start)
) ENGINE = InnoDB;
