"""CSV, Excel and Parquet files through DuckDB."""
