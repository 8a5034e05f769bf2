"""Ask a server as several users: JSON cases on standard input, their answers as JSON on standard output."""

import json
import sys

import pymysql


def ask(host: str, user: str, password: str, statements: list[str]) -> dict[str, object]:
    """Run the statements as the user; return the number of the first error, or 0, and the last rows."""
    try:
        with pymysql.connect(host=host, user=user, password=password, charset="utf8mb4") as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                rows = [list(map(str, row)) for row in cursor.fetchall()]
            connection.commit()
    except pymysql.MySQLError as error:
        return {"error": error.args[0], "rows": []}
    return {"error": 0, "rows": rows}


answers = [ask(case["host"], case["user"], case["password"], case["sql"]) for case in json.load(sys.stdin)]
print(json.dumps(answers))
