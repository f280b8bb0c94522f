# Runs once, on an empty server: creates a database and a role of the same name for each service. Only its owner
# may connect to a database.
for name in users products orders notifications; do
  password=${name^^}_PASSWORD
  psql -v ON_ERROR_STOP=1 -U postgres -v name="$name" -v password="${!password}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
