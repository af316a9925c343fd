{{ config(materialized='table') }}

{{ repeated_rows('complete_journey', 'coupon_redemptions') }}
