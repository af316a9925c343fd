with

reviews as (
    select * from {{ ref('stg_olist__order_reviews') }}
),

orders as (
    select * from {{ ref('stg_olist__orders') }}
),

feedback as (
    select
        'olist' as source,
        reviews.review_id || ':' || reviews.order_id as feedback_id,
        orders.customer_id,
        'survey' as channel,
        'review' as kind,
        reviews.comment_text as text,
        reviews.rating,
        -- when the customer spoke; asked_at is when the shop did, and on that day nobody knew the answer
        reviews.answered_at as created_at,
        cast(reviews.answered_at as date) as created_on,
        reviews.order_id as related_order_id,
        reviews.known_from_on,
        reviews.known_until_on
    from reviews
    left join orders
        on reviews.order_id = orders.order_id and reviews.known_from_on = orders.known_from_on
)

select * from feedback
