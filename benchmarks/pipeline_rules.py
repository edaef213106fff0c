"""The rules of benchmarks/pipeline.py: words that a person would name in ten minutes a set."""

RULES = {
    "rt_polarity": {
        "pos": "moving,funny,charming,delightful,powerful,beautiful,touching,wonderful,smart,"
        "engaging,best,enjoyable,fascinating,fresh,solid",
        "neg": "dull,boring,bad,worst,mess,tedious,fails,lacks,pointless,silly,flat,predictable,"
        "unfunny,waste,tired",
    },
    "wrench_youtube": {
        "1": "subscribe,my channel,check out,check this,free,http,www,visit,follow me,money,"
        "giveaway,share,please help",
        "0": "love this song,beautiful,best song,amazing,great song,memories,nice,awesome,voice",
    },
    "wrench_yelp_part": {
        "1": "great,delicious,amazing,best,love,friendly,excellent,awesome,perfect,favorite",
        "0": "worst,terrible,horrible,rude,awful,disappointed,never again,bland,dirty,waste",
    },
    "ag_news_test": {
        "World": "iraq,president,minister,killed,troops,government,election,police,un,palestinian",
        "Sports": "game,season,team,coach,win,cup,league,championship,players,olympic",
        "Business": "shares,profit,oil,stocks,prices,sales,quarter,bank,market,earnings",
        "Sci/Tech": "software,microsoft,internet,google,space,nasa,computer,web,linux,phone",
    },
}
# The two on which changes are tried before the four above are run.
TRIED_ON = {
    "wrench_trec": {
        "0": "how do,how does,why,what does,describe,what causes,definition,mean",
        "1": "what color,what animal,what film,what is the name of,which,kind of,what sport",
        "2": "who,whose,whom",
        "3": "stand for,abbreviation,acronym",
        "4": "where,what country,what city,which city,which country,what state,capital",
        "5": "how many,how much,when,what year,how long,how old,how far,what date",
    },
    "sms_spam": {
        "spam": "free,win,winner,prize,cash,claim,urgent,txt,mobile,guaranteed,awarded,www",
        "ham": "ok,lol,home,sorry,love,tomorrow,dinner,going,later,haha",
    },
}
