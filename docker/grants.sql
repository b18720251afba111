-- The rights of the application's account beyond its own database: schemas that a benchmark makes and drops, XA RECOVER
-- (without it a coordinator is blind), and the tables that tell who holds what.
GRANT ALL PRIVILEGES ON `xatop\_%`.* TO 'xatop'@'%';
GRANT XA_RECOVER_ADMIN, PROCESS ON *.* TO 'xatop'@'%';
GRANT SELECT ON performance_schema.* TO 'xatop'@'%';
