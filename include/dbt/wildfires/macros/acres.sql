{# Summed as decimals: the result depends neither on the order of the rows nor on how many workers add them up. #}
{% macro total_acres() -%}
    coalesce(sum(acres::numeric), 0)::double precision
{%- endmacro %}
