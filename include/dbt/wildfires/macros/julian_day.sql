{# The date of a Julian day such as 2453403.5 (2005-02-02); days begin at midnight, hence the half. #}
{% macro date_of_julian_day(column) -%}
    (date '1858-11-17' + floor({{ column }} - 2400000.5)::integer)
{%- endmacro %}
