# Runs once, when the server is new: a database and a role of the same name for each service. A database
# is closed to all roles but its owner.
for name in users products orders notifications; do
  password=${name^^}_PASSWORD
  psql -v ON_ERROR_STOP=1 -U postgres -v name="$name" -v password="${!password}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
