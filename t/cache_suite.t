# SPDX-License-Identifier: BSD-2-Clause
#
# cache_rfc on before the origin server of the public suite http-cache-tests: of
# what the suite requires, all cases that t/data/cache_suite/pass lists pass.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $folder = "$FindBin::Bin/data/cache_suite";

plan skip_all => 'not in nginx' if is_oracle();
plan skip_all => 'no node' if system('node -e 0 2>/dev/null') != 0;
plan skip_all => "no packages in t/data/cache_suite: sh auto/deps test installs them"
    if !-d "$folder/node_modules/http-cache-tests";

my $t = Weir::Test->new;
my $up = $t->port('up');

$t->run(<<"EOC");
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c keys_zone=one:10m;
    cache_rfc on;
    proxy_cache one;
    proxy_cache_key \$request_uri;
    proxy_cache_use_stale error;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
    }
}
EOC
my $url = 'http://127.0.0.1:' . $t->port;

# run(@ids): what the suite says of each of these, or of all that is required.
sub run {
    my (@ids) = @_;
    open my $in, '-|', 'timeout', 150, 'node', "$folder/suite.mjs", $up, $url, @ids
        or die "node: $!\n";
    my %said = map { chomp; split /\t/, $_, 2 } grep { /\t/ } <$in>;

    close $in;
    return \%said;
}

open my $list, '<', "$folder/pass" or die "$folder/pass: $!\n";
chomp(my @wanted = <$list>);
close $list;

my $said = run();
my @failed = grep { ($said->{$_} // '') ne 'pass' } @wanted;

# Some are about seconds, and fail where nobody has time for them: once more,
# alone.
my $again = @failed > 0 && @failed <= 20 ? run(@failed) : {};

is $again->{$_} // $said->{$_} // 'it did not run', 'pass', $_ for @failed;
cmp_ok @wanted - @failed, '>=', 123, 'those that need no second try';

my %listed = map { $_ => 1 } @wanted;
note "passes, too: $_"
    for grep { $said->{$_} eq 'pass' && !$listed{$_} } sort keys %$said;

done_testing;
