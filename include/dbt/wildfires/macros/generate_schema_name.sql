{# Everything of a dataset, marts and seeds too, is in the schema of its name: beside the rows it was made of. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ var('dataset') }}
{%- endmacro %}
