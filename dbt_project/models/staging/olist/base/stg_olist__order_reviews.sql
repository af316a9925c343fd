with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

order_reviews as (
    {{ versions('olist', 'order_reviews') }}
),

renamed as (
    select
        {{ text('review_id') }} as review_id,
        {{ text('order_id') }} as order_id,
        cast(review_score as integer) as rating,
        nullif(
            concat_ws(chr(10), {{ text('review_comment_title') }}, {{ text('review_comment_message') }}), ''
        ) as comment_text,
        {{ local_time('review_creation_date', 'olist', 'order_reviews') }} as asked_at,
        {{ local_time('review_answer_timestamp', 'olist', 'order_reviews') }} as answered_at,
        dumps.known_from_on,
        dumps.known_until_on
    from order_reviews
    inner join dumps
        on order_reviews.known_from_on <= dumps.known_from_on and order_reviews.known_until_on > dumps.known_from_on
)

select * from renamed
